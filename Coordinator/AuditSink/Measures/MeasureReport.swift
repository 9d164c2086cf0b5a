internal import Bytes
package import StrictJSON

/// How calls went in a stretch of time.
package struct MeasureReport: Sendable {
    /// What was counted of a server, or of a person.
    package struct Named: Sendable {
        /// The server's alias, or the person's e-mail address; empty for what is about no server that is known.
        package let name: String
        package internal(set) var tally: Tally
    }

    package let span: MeasureSpan
    /// The beginning of the first step and the end of the last one, in seconds since 1970; whole hours.
    package let from: Int
    package let to: Int
    package private(set) var total = Tally()
    /// Step by step.
    package private(set) var steps: [Tally]
    /// Those with the most calls first.
    package var servers: [Named] { byServer.sorted { ($1.tally.calls, $0.name) < ($0.tally.calls, $1.name) } }
    /// Those with the most calls first; of whole days in UTC, the first of which may have begun before the first step.
    package internal(set) var people: [Named] = []

    private var byServer: [Named] = []
    private var places: [String: Int] = [:]

    init(span: MeasureSpan, now: Int) {
        let (count, hours) = span.steps
        // The step that is under way is the last one.
        let length = hours * 3600
        let end = span == .day ? (now / 3600 + 1) * 3600 : (now / length + 1) * length
        self.span = span
        to = end
        from = end - count * length
        steps = Array(repeating: Tally(), count: count)
    }

    mutating func add(_ tally: Tally, hour: Int, server: String) {
        let step = (hour * 3600 - from) / (span.steps.hours * 3600)
        guard steps.indices.contains(step) else { return }
        total.add(tally)
        steps[step].add(tally)
        if let place = places[server] {
            byServer[place].tally.add(tally)
        } else {
            places[server] = byServer.count
            byServer.append(Named(name: server, tally: tally))
        }
    }

    /// When a step begins, in seconds since 1970.
    package func start(_ step: Int) -> Int { from + step * span.steps.hours * 3600 }

    /// As `GET /v1/measures` shows it.
    package var json: JSONValue {
        func named(_ all: [Named], _ name: JSONText) -> JSONValue {
            .array(
                all.map { each in
                    var object = each.tally.json.object ?? [:]
                    object[name] = .text(each.name)
                    return .object(object)
                }
            )
        }
        return [
            "span": .text(span.rawValue), "from": .text(UTCTime(seconds: from).shortText),
            "to": .text(UTCTime(seconds: to).shortText), "total": total.json,
            "steps": .array(
                steps.enumerated().map { step, tally in
                    var object = tally.json.object ?? [:]
                    object["from"] = .text(UTCTime(seconds: start(step)).shortText)
                    return .object(object)
                }
            ),
            "servers": named(servers, "server"), "people": named(people, "user"),
        ]
    }
}
