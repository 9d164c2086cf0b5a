package import Policy
package import StrictJSON

/// One thing that the author of a policy wants of it, whatever else changes.
package struct PolicyTest: Hashable, Sendable {
    /// What is expected.
    package enum Outcome: String, CaseIterable, Hashable, Sendable {
        case allow, deny
    }

    package let user: EmailAddress
    package let groups: [JSONText]
    /// `local` where the test names none, as on the agent's socket.
    package let client: JSONText
    package let server: JSONText
    package let tool: JSONText
    /// The arguments of the call; a test without any is about a call without any.
    package let arguments: JSONValue
    package let expect: Outcome
    /// The code of the reason; nil: any.
    package let because: Decision.Reason?

    /// What the policy does otherwise than expected, as a message; nil if it does what is expected.
    func failure(_ snapshot: PolicySnapshot) -> String? {
        let decision = snapshot.explain(client: client, server: server, tool: tool, arguments: arguments)
        let outcome: Outcome = decision.isAllowed ? .allow : .deny
        if outcome == expect, because.map({ $0 == decision.reason }) ?? true { return nil }
        var words = "expects \(expect.rawValue)"
        if let because { words += " because \(because.rawValue)" }
        words += ", and the policy says \(outcome.rawValue) because \(decision.reason.rawValue)"
        guard !decision.rules.isEmpty else { return words }
        return "\(words), by \(decision.rules.map(\.string).joined(separator: ", "))"
    }
}

extension PolicyTest {
    init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let user = try reader.email("user")
            let groups = try reader.optionalIdentifiers("groups") ?? []
            let client = try reader.optionalIdentifier("client") ?? "local"
            let call = try reader.identifier("call").utf8
            let parts = call.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw ShapeError(reader.path("call"), "must be SERVER/TOOL")
            }
            let arguments = reader.optional("args") ?? .object(JSONObject())
            guard case .object = arguments else { throw ShapeError(reader.path("args"), "must be an object") }
            let expect: Outcome = try reader.word("expect")
            let because: Decision.Reason? = try reader.optionalWord("because")
            // Both would fail always: a granted call is never denied, and no test is about time.
            let codes: [Decision.Reason] = expect == .allow ? [.granted] : [.noGrant, .forbidden]
            if let because, !codes.contains(because) {
                let words = codes.map(\.rawValue).joined(separator: " or ")
                throw ShapeError(reader.path("because"), "must be \(words) where \(expect.rawValue) is expected")
            }
            return PolicyTest(
                user: user,
                groups: groups,
                client: client,
                server: JSONText(utf8: parts[0]),
                tool: JSONText(utf8: parts[1]),
                arguments: arguments,
                expect: expect,
                because: because
            )
        }
    }
}
