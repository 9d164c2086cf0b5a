internal import Bytes
package import Contract
package import StrictJSON

/// What a policy would make of the calls on record.
package struct SimulationReport: Sendable, Equatable {
    /// Calls that one line of the report is about.
    package struct Line: Hashable, Sendable {
        /// The e-mail address of the person.
        package let user: String
        package let server: JSONText
        /// The tool's own name; nil for a call of something else.
        package let tool: JSONText?
        package let prompt: JSONText?
        /// The SHA-256 of the URI of a resource, in base64url.
        package let resource: JSONText?
        package let method: JSONText
        package let was: Verdict
        package let would: Verdict
        /// Why it cannot be told, as a code.
        package let why: String?
    }

    /// What becomes of a call.
    package enum Verdict: String, Sendable, CaseIterable {
        case allow, deny, unknown
    }

    package let choice: ReplayChoice
    /// All calls that were judged: the sum of the next three.
    package internal(set) var calls = 0
    package internal(set) var wouldDeny = 0
    package internal(set) var wouldAllow = 0
    package internal(set) var unknown = 0
    /// The calls that would end otherwise than they did, most of them first.
    package internal(set) var changes: [(line: Line, count: Int)] = []
    /// Those of which it cannot be told, most of them first.
    package internal(set) var unknowns: [(line: Line, count: Int)] = []
    /// How many calls would end otherwise, or cannot be told, in lines beyond those that are kept.
    package internal(set) var changesLeftOut = 0
    package internal(set) var unknownsLeftOut = 0

    package static func == (left: Self, right: Self) -> Bool { left.json == right.json }

    /// As `POST /v1/policy/simulations` answers.
    package var json: JSONValue {
        [
            "since": .text(choice.since.text), "until": .text(choice.until.text), "calls": .int(calls),
            "would_deny": .int(wouldDeny), "would_allow": .int(wouldAllow), "unknown": .int(unknown),
            "changes": .array(changes.map { $0.line.json(count: $0.count) }), "changes_left_out": .int(changesLeftOut),
            "unknowns": .array(unknowns.map { $0.line.json(count: $0.count) }),
            "unknowns_left_out": .int(unknownsLeftOut),
        ]
    }
}

extension SimulationReport.Line {
    fileprivate func json(count: Int) -> JSONValue {
        var object: JSONObject = [
            "user": .text(user), "server": .string(server), "tool": tool.map { .string($0) } ?? .null,
            "method": .string(method), "was": .text(was.rawValue), "would": .text(would.rawValue), "count": .int(count),
        ]
        object["prompt"] = prompt.map { .string($0) }
        object["uri_hash"] = resource.map { .string($0) }
        object["why"] = why.map { .text($0) }
        return .object(object)
    }

    /// Which of two lines of as many calls comes first.
    fileprivate func precedes(_ other: Self) -> Bool {
        func words(_ line: Self) -> [JSONText] {
            [
                JSONText(line.user), line.server, line.tool ?? "", line.prompt ?? "", line.resource ?? "", line.method,
                JSONText(line.was.rawValue), JSONText(line.would.rawValue), JSONText(line.why ?? ""),
            ]
        }
        return words(self).lexicographicallyPrecedes(words(other))
    }
}

/// The lines of a report while they are counted: so many at most, whatever the records say.
struct SimulationLines {
    /// A person can make up names of tools, each a line.
    private static let most = 10_000

    private var counts: [SimulationReport.Line: Int] = [:]
    private(set) var leftOut = 0

    mutating func count(_ line: SimulationReport.Line, _ number: Int = 1) {
        if counts.count < Self.most || counts[line] != nil {
            counts[line, default: 0] += number
        } else {
            leftOut += number
        }
    }

    /// Most calls first.
    var sorted: [(line: SimulationReport.Line, count: Int)] {
        counts.map { (line: $0.key, count: $0.value) }.sorted { left, right in
            left.count == right.count ? left.line.precedes(right.line) : left.count > right.count
        }
    }
}
