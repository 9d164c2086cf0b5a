package import StrictJSON

/// How often, and how many at once: one bucket and one set of slots for each subject, shared by all the tools that
/// the rule matches.
package struct LimitRule: Hashable, Sendable {
    /// Whose bucket it is.
    package enum Subject: String, CaseIterable, Hashable, Sendable {
        case user, client
    }

    /// The place of the rule: `limits/0`.
    package let name: JSONText
    package let per: Subject
    /// Those whom it is about; nil: everybody.
    package let role: JSONText?
    /// Nil: on every server.
    package let server: Pattern?
    /// Nil: every tool.
    package let tools: [Pattern]?
    package let rate: Rate?
    /// How many pass at once from rest.
    package let burst: Int
    /// How many may run at once.
    package let concurrent: Int?

    /// The largest number in a limit.
    package static let largest = 1_000_000

    /// Reads a limit of a policy; throws `ShapeError`.
    package init(_ json: JSONValue, name: JSONText, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            try LimitRule(
                members: &reader,
                name: name,
                server: try reader.optionalPattern("server"),
                role: try reader.optionalIdentifier("role")
            )
        }
    }

    /// Reads a limit of a registry entry, which is about the entry's server alone; throws `ShapeError`.
    package init(_ json: JSONValue, server: JSONText, index: Int, at place: String) throws {
        let name = JSONText("servers/\(server)/limits/\(index)")
        self = try ObjectReader.read(json, at: place) { reader in
            try LimitRule(members: &reader, name: name, server: Pattern(exactly: server))
        }
    }

    private init(
        members reader: inout ObjectReader,
        name: JSONText,
        server: Pattern?,
        role: JSONText? = nil
    ) throws {
        self.name = name
        self.role = role
        self.server = server
        per = try reader.word("per")
        tools = try reader.optionalPatterns("tools")
        rate = try reader.optional("rate").map { try Rate($0, at: reader.path("rate")) }
        let burst = try reader.optionalInt("burst", in: 1...Self.largest)
        self.burst = burst ?? 1
        concurrent = try reader.optionalInt("concurrent", in: 1...Self.largest)
        if burst != nil, rate == nil { throw ShapeError(reader.path("burst"), "needs a rate") }
        if rate == nil, concurrent == nil { throw ShapeError(reader.place, "must have rate or concurrent") }
    }

    /// The limit as it is written and signed.
    package var json: JSONValue {
        var object: JSONObject = ["per": .text(per.rawValue)]
        object["role"] = role.map(JSONValue.string)
        object["server"] = server?.json
        object["tools"] = tools.map { .array($0.map(\.json)) }
        if let rate {
            object["rate"] = .text(rate.text)
            object["burst"] = .int(burst)
        }
        object["concurrent"] = concurrent.map { .int($0) }
        return .object(object)
    }

    /// Whether a call counts.
    func matches(server alias: JSONText, tool: UnsafeBufferPointer<UInt8>) -> Bool {
        if let server, !server.matches(alias) { return false }
        guard let tools else { return true }
        return tools.contains { $0.matches(tool) }
    }

    /// Whether a call counts of which there is only its record.
    ///
    /// A hash does not tell what the name begins with, so such a call counts towards every beginning: a limit may be
    /// charged for a call too many, and never for one too few.
    func matches(_ call: OwedLimits.Call, recorded: (JSONText) -> JSONText) -> Bool {
        if let server, !server.matches(call.server) { return false }
        guard let tools else { return true }
        let isHash = call.tool.string.hasPrefix("sha256:")
        return tools.contains { pattern in
            guard pattern.isPrefix else { return recorded(JSONText(utf8: pattern.stem)) == call.tool }
            return isHash || pattern.matches(call.tool)
        }
    }
}

/// So many in a second, minute or hour.
package struct Rate: Hashable, Sendable {
    /// What a rate counts by.
    package enum Period: String, CaseIterable, Hashable, Sendable {
        case second = "s"
        case minute = "min"
        case hour = "h"

        var nanoseconds: Int64 {
            switch self {
            case .second: 1_000_000_000
            case .minute: 60_000_000_000
            case .hour: 3_600_000_000_000
            }
        }
    }

    package let count: Int
    package let period: Period

    init(_ json: JSONValue, at place: String) throws(ShapeError) {
        let text = try ObjectReader.text(json, at: place).string
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), String(count) == parts[0],
            (1...LimitRule.largest).contains(count), let period = Period(rawValue: String(parts[1]))
        else {
            throw ShapeError(place, "must be N/s, N/min or N/h, such as 60/min, with N from 1 to \(LimitRule.largest)")
        }
        self.count = count
        self.period = period
    }

    var text: String { "\(count)/\(period.rawValue)" }

    /// Nanoseconds from one call to the next, rounded up, so that the rate is never exceeded.
    var interval: Int64 { (period.nanoseconds + Int64(count) - 1) / Int64(count) }
}
