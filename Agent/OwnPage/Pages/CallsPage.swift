internal import Bytes
internal import StrictJSON

/// The calls that run, and the last ones that ended or were refused, out of the newest records.
struct CallsPage {
    /// How many records are looked at.
    static let records = 400
    /// How many calls of each kind are shown.
    private static let most = 50
    /// Seconds between two looks.
    private static let interval = 3

    private var running: [JSONValue] = []
    private var ended: [(begin: JSONValue?, end: JSONValue)] = []
    private var denied: [JSONValue] = []
    private let now: UTCTime
    private let isStill: Bool

    /// - Parameters:
    ///   - records: as `doorward audit tail --json` has them, oldest first.
    ///   - now: the time.
    ///   - isStill: whether the page is not loaded again by itself.
    init(_ records: JSONValue, now: UTCTime, isStill: Bool) {
        self.now = now
        self.isStill = isStill
        var begun: [String: JSONValue] = [:]
        var order: [String] = []
        for record in records["records"]?.array ?? [] {
            let call = record["call"]?.text ?? ""
            switch record["kind"]?.text {
            case "call.begin":
                begun[call] = record
                order.append(call)
            case "call.end": ended.append((begun.removeValue(forKey: call), record))
            case "call.deny": denied.append(record)
            default: break
            }
        }
        running = order.compactMap { begun[$0] }
    }

    func html(_ token: String) -> HTML {
        let aside: HTML =
            isStill
            ? "<a class=\"button\" href=\"/calls\">Follow</a>"
            : "<a class=\"button\" href=\"/calls?still\">Hold still</a>"
        let frame = Frame(
            place: .calls,
            heading: "Calls",
            aside: aside,
            token: token,
            refresh: isStill ? nil : Self.interval
        )
        return frame.page("\(live)\(refusals)\(past)")
    }

    private var live: HTML {
        let rows: [HTML] = running.suffix(Self.most).reversed().map { record in
            let seconds = record["t"]?.text.flatMap { UTCTime($0) }.map { max(0, now.seconds - $0.seconds) } ?? 0
            return """
                <tr>\(Self.what(record))<td data-label="Client">\(Self.client(record))</td>
                <td class="number" data-label="For">\(seconds) s</td></tr>
                """
        }
        return Self.section(
            "Under way",
            "\(running.count)",
            ["Call", "Client", "For"],
            rows,
            empty: "Nothing is under way."
        )
    }

    private var refusals: HTML {
        let rows: [HTML] = denied.suffix(Self.most).reversed().map { record in
            let rules = record["dec"]?["rules"]?.array?.compactMap(\.text).joined(separator: ", ") ?? ""
            let rule: HTML? = rules.isEmpty ? nil : "<small>\(rules)</small>"
            return """
                <tr>\(Self.what(record))<td data-label="Why"><span>\(Reasons.words(record["dec"]?["reason"]?.text ?? ""))\(rule)</span></td>
                <td data-label="Client">\(Self.client(record))</td>
                <td data-label="When">\(record["t"]?.text.map { Moment.html($0) })</td></tr>
                """
        }
        return Self.section(
            "Denied",
            nil,
            ["Call", "Why", "Client", "When"],
            rows,
            empty: "Nothing was denied lately."
        )
    }

    private var past: HTML {
        let rows: [HTML] = ended.suffix(Self.most).reversed().map { call in
            let outcome = call.end["out"]?["is"]?.text ?? ""
            let tone = outcome == "ok" ? "good" : outcome == "tool_error" || outcome == "cancelled" ? "warn" : "bad"
            return """
                <tr>\(Self.what(call.end))<td data-label="Outcome"><span class="badge \(tone)">\(Reasons.outcome(outcome))</span></td>
                <td data-label="Client">\(Self.client(call.end))</td>
                <td class="number" data-label="Took">\(call.end["out"]?["ms"]?.int.map { "\($0) ms" } ?? "")</td>
                <td data-label="When">\(call.end["t"]?.text.map { Moment.html($0) })</td></tr>
                """
        }
        return Self.section("Ended", nil, ["Call", "Outcome", "Client", "Took", "When"], rows, empty: "No call yet.")
    }

    private static func section(
        _ heading: String,
        _ count: String?,
        _ columns: [String],
        _ rows: [HTML],
        empty: String
    ) -> HTML {
        let number: HTML? = count.map { "<span class=\"soft\">\($0)</span>" }
        guard !rows.isEmpty else {
            return
                "<section class=\"card\"><header><h2>\(heading)</h2></header><p class=\"soft\">\(empty)</p></section>"
        }
        return """
            <section class="card"><header><h2>\(heading)</h2>\(number)</header><div class="scroll"><table>
            <thead><tr>\(columns.map { column -> HTML in "<th scope=\"col\">\(column)</th>" })</tr></thead>
            <tbody>\(rows)</tbody></table></div></section>
            """
    }

    /// What was called: the tool, prompt or method, and below it the server.
    private static func what(_ record: JSONValue) -> HTML {
        let name = record["tool"]?.text ?? record["prompt"]?.text ?? record["method"]?.text ?? ""
        return "<th scope=\"row\">\(name)<small>\(record["srv"]?.text ?? "")</small></th>"
    }

    private static func client(_ record: JSONValue) -> String { record["client"]?["id"]?.text ?? "" }
}
