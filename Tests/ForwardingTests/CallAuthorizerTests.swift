import AuditLog
import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

@Suite("The guards of a call, in their order")
struct CallAuthorizerTests {
    /// What each guard refuses, in the order in which the guards are asked.
    enum Step: Int, CaseIterable {
        case headers, closed, policyOver, server, method, session, policy, hold, thread, task, obligation, down
        case limit, credential

        /// The reason that the answer names.
        var reason: JSONText {
            switch self {
            case .headers: "header_mismatch"
            case .closed: "not_enrolled"
            case .policyOver: "policy_expired"
            case .server: "unknown_server"
            case .method: "unknown_method"
            case .session: "unknown_session"
            case .policy: "no_grant"
            case .hold: "quarantined"
            case .thread: "no_thread"
            case .task: "unknown_task"
            case .obligation: "online_within"
            case .down: "down"
            case .limit: "limited"
            case .credential: "needs_sign_in"
            }
        }

        /// What has to be known so that it refuses; nil where the request itself says it.
        var breach: FakeAuthorities.Breach? {
            switch self {
            case .headers, .method: nil
            case .closed: .closed
            case .policyOver: .policyOver
            case .server: .server
            case .session: .session
            case .policy: .policy
            case .hold: .hold
            case .thread: .thread
            case .task: .task
            case .obligation: .obligation
            case .down: .down
            case .limit: .limit
            case .credential: .credential
            }
        }

        /// The method that a request must have so that it refuses; nil where every method does.
        var method: String? {
            switch self {
            case .method: "tools/invented"
            case .task: "tasks/get"
            case .hold, .obligation, .limit: "tools/call"
            default: nil
            }
        }

        /// What the guards have asked once this one has refused.
        var asked: [String] {
            switch self {
            case .headers: []
            case .closed, .policyOver: ["closed"]
            case .server, .method: ["closed", "server"]
            case .session, .policy: ["closed", "server", "session"]
            case .hold: ["closed", "server", "session", "hold"]
            case .thread: ["closed", "server", "session", "hold", "thread"]
            case .task: ["closed", "server", "session", "thread", "task"]
            case .obligation: Self.thread.asked + ["obligation"]
            case .down: Self.obligation.asked + ["down"]
            case .limit: Self.down.asked + ["limit"]
            case .credential: Self.limit.asked + ["credential"]
            }
        }
    }

    private typealias Outcome = Result<CallPlan<FakeAuthorities.Server>, CallDenial>

    private func authorize(_ method: String, isMatched: Bool = true, _ authorities: FakeAuthorities) throws -> Outcome {
        let item =
            switch method {
            case "tools/call": #""name":"echo","#
            case "tasks/get": #""taskId":"t-1","#
            default: ""
            }
        let name = item.isEmpty ? "" : method == "tasks/get" ? "t-1" : "echo"
        return try Array(Desk.modern(method, item).utf8).withUnsafeBufferPointer { body in
            let envelope = try Envelope.scan(body, limits: .message)
            return ["2026-07-28", isMatched ? method : "ping", name].withHeaders { headers in
                do throws(CallDenial) {
                    return .success(
                        try CallAuthorizer.authorize(envelope, in: body, headers: headers, by: authorities)
                    )
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func reason(_ outcome: Outcome) -> JSONText? {
        switch outcome {
        case .success: nil
        case .failure(.unknownServer): "unknown_server"
        case .failure(.refused(let refusal)): refusal.reason
        }
    }

    @Test("Of two guards that would refuse, the earlier one answers, and the later one is not asked")
    func order() throws {
        var pairs = 0
        for first in Step.allCases {
            for second in Step.allCases where second.rawValue >= first.rawValue {
                let methods = Set([first, second].compactMap(\.method))
                // No request can be refused by both.
                guard methods.count < 2 else { continue }
                let authorities = try FakeAuthorities(Set([first, second].compactMap(\.breach)))
                let method = methods.first ?? "tools/call"
                let outcome = try authorize(method, isMatched: first != .headers, authorities)
                // Definitions are of tools alone, and the rule that demands something is about one.
                let asked = first.asked.filter { $0 != "hold" && $0 != "obligation" || method == "tools/call" }
                #expect(reason(outcome) == first.reason, "\(first) before \(second)")
                #expect(authorities.asked == asked, "\(first) before \(second)")
                pairs += 1
            }
        }
        #expect(pairs == 98)
    }

    @Test("Who passes them all gets all that the call needs")
    func passed() throws {
        let authorities = try FakeAuthorities([])
        let plan = try authorize("tools/call", authorities).get()
        #expect(plan.server.alias == "up")
        #expect(plan.session?.key.id == "s")
        #expect(plan.decision.isAllowed)
        #expect(plan.credential == "c")
        #expect(plan.authorization == [0x78])
        #expect(!plan.isStale)
        #expect(!plan.permit.isEmpty)
        #expect(authorities.asked == Step.credential.asked)
    }

    @Test("Whom the last guard refuses has taken nothing from the limits")
    func released() throws {
        let authorities = try FakeAuthorities([.credential])
        // One call at a time: a slot that was kept would be missed by the second.
        for _ in 0..<2 {
            #expect(try reason(authorize("tools/call", authorities)) == "needs_sign_in")
        }
    }

    @Test("Limits are for tools: nothing else takes from them")
    func limits() throws {
        let authorities = try FakeAuthorities([.limit])
        let plan = try authorize("tools/list", authorities).get()
        #expect(plan.permit.isEmpty)
        #expect(!authorities.asked.contains("limit"))
    }
}
