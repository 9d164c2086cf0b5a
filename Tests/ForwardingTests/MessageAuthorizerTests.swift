import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

@Suite("The guards of what has no id, in their order")
struct MessageAuthorizerTests {
    private static let handshake = "2025-11-25"
    private static let modern = "2026-07-28"
    private static let unknown = "1999-12-31"

    private typealias Plan = MessagePlan<FakeAuthorities.Server>

    /// What a denial answers, with the reason that it names.
    private func answer(_ denial: MessageDenial) -> String {
        switch denial {
        case .error(let refusal): "error \(refusal.reason.string)"
        case .plainly(let refusal, let status): "\(status) \(refusal.reason.string)"
        case .instead(let refusal): "instead \(refusal.reason.string)"
        case .status(let status): "\(status)"
        }
    }

    private func message(_ text: String, _ version: String, _ authorities: FakeAuthorities) throws
        -> Result<Plan, MessageDenial>
    {
        try Array(text.utf8).withUnsafeBufferPointer { body in
            let envelope = try Envelope.scan(body, limits: .message)
            return [version].withHeaders { headers in
                do throws(MessageDenial) {
                    return .success(
                        try MessageAuthorizer.authorize(envelope, in: body, headers: headers, by: authorities)
                    )
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func bare(_ kind: CallKind, _ version: String, behind event: String, _ authorities: FakeAuthorities)
        -> Result<Plan, MessageDenial>
    {
        [version].withHeaders { headers in
            Array(event.utf8).withUnsafeBufferPointer { event in
                do throws(MessageDenial) {
                    return .success(
                        try MessageAuthorizer.authorize(kind, headers: headers, behind: event, by: authorities)
                    )
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    /// Goes through a list of guards from its end: with each breach that is added the answer is that guard's, and nothing
    /// behind it was asked.
    private func check(
        _ steps: [(FakeAuthorities.Breach, answer: String, asked: [String])],
        _ authorize: (FakeAuthorities) throws -> Result<Plan, MessageDenial>
    ) throws {
        for index in steps.indices.reversed() {
            let authorities = try FakeAuthorities(Set(steps[index...].map(\.0)))
            guard case .failure(let denial) = try authorize(authorities) else {
                Issue.record("\(steps[index].0) is let through")
                continue
            }
            #expect(answer(denial) == steps[index].answer)
            #expect(authorities.asked == steps[index].asked)
        }
    }

    private static let note = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
    private static let response = #"{"jsonrpc":"2.0","id":"q1","result":{}}"#

    @Test("Of notifications, and of answers to requests of the server")
    func messages() throws {
        let common: [(FakeAuthorities.Breach, answer: String, asked: [String])] = [
            (.closed, "instead not_enrolled", ["closed"]),
            (.policyOver, "instead policy_expired", ["closed"]),
            (.server, "404", ["closed", "server"]),
            (.session, "error unknown_session", ["closed", "server", "session"]),
        ]
        try check(common + [(.policy, "202", ["closed", "server", "session"])]) {
            try message(Self.note, Self.handshake, $0)
        }
        try check(common + [(.pending, "202", ["closed", "server", "session", "pending"])]) {
            try message(Self.response, Self.handshake, $0)
        }
    }

    @Test("A message is looked at before anything is known, and the modern era has none")
    func forms() throws {
        let closed = try FakeAuthorities([.closed])
        guard case .failure(let version) = try message(Self.note, Self.unknown, closed) else {
            Issue.record("an unknown revision is let through")
            return
        }
        #expect(answer(version) == "error unsupported_version")
        #expect(closed.asked.isEmpty)
        let authorities = try FakeAuthorities([.session])
        guard case .failure(let modern) = try message(Self.note, Self.modern, authorities) else {
            Issue.record("a notification of the modern era is let through")
            return
        }
        #expect(answer(modern) == "202")
        #expect(authorities.asked == ["closed", "server"])
    }

    @Test("Of GET and DELETE")
    func bareRequests() throws {
        let common: [(FakeAuthorities.Breach, answer: String, asked: [String])] = [
            (.closed, "instead not_enrolled", ["closed"]),
            (.policyOver, "instead policy_expired", ["closed"]),
            (.server, "404", ["closed", "server"]),
            (.session, "404 unknown_session", ["closed", "server", "session"]),
            (.policy, "instead no_grant", ["closed", "server", "session"]),
        ]
        try check(common) { bare(.delete, Self.handshake, behind: "7", $0) }
        try check(common + [(.event, "error unknown_event", ["closed", "server", "session", "event"])]) {
            bare(.stream, Self.handshake, behind: "7", $0)
        }
    }

    @Test("GET and DELETE are looked at before anything is known, and the modern era has neither")
    func bareForms() throws {
        for (version, wanted) in [
            (Self.unknown, "error unsupported_version"), (Self.modern, "405 method_not_allowed"),
        ] {
            let authorities = try FakeAuthorities([.closed])
            guard case .failure(let denial) = bare(.stream, version, behind: "", authorities) else {
                Issue.record("\(version) is let through")
                continue
            }
            #expect(answer(denial) == wanted)
            #expect(authorities.asked.isEmpty)
        }
    }

    @Test("What passes them all has its session, and the request that it answers")
    func passed() throws {
        let authorities = try FakeAuthorities([])
        let plan = try message(Self.response, Self.handshake, authorities).get()
        #expect(plan.session?.key.id == "s")
        #expect(plan.answered != nil)
        #expect(try message(Self.note, Self.handshake, authorities).get().answered == nil)
        // A new stream is behind nothing.
        #expect(try bare(.stream, Self.handshake, behind: "", authorities).get().server.alias == "up")
        #expect(!authorities.asked.contains("event"))
    }
}
