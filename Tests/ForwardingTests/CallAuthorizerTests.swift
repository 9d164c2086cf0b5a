import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

@Suite("The guards of a call, in their order")
struct CallAuthorizerTests {
    /// What a guard refuses, in the order in which the guards are asked.
    enum Breach: Int, CaseIterable {
        case headers, closed, policyOver, server, method, session, policy, task, down, limit, credential

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
            case .task: "unknown_task"
            case .down: "down"
            case .limit: "limited"
            case .credential: "needs_sign_in"
            }
        }

        /// The method that a request must have so that this guard refuses it; nil where every method does.
        var method: String? {
            switch self {
            case .method: "tools/invented"
            case .task: "tasks/get"
            case .limit: "tools/call"
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
            case .task: ["closed", "server", "session", "task"]
            case .down: ["closed", "server", "session", "down"]
            case .limit: ["closed", "server", "session", "down", "limit"]
            case .credential: ["closed", "server", "session", "down", "limit", "credential"]
            }
        }
    }

    private struct Server: AuthorizedServer {
        let alias: JSONText
    }

    /// Authorities under which these breaches, and no others, are refused; they keep what they were asked.
    private final class Authorities: CallAuthorities {
        let client: JSONText = "tests"
        let policy: PolicySnapshot
        let limits = LimitTable()
        private let breaches: Set<Breach>
        private(set) var asked: [String] = []

        init(_ breaches: Set<Breach>) throws {
            self.breaches = breaches
            let rules = try PolicyRules([
                "version": 1, "roles": [["name": "all", "grant": [["server": "up"]]]], "forbid": [],
                "limits": [["per": "user", "server": "up", "concurrent": 1]],
            ])
            let binding = Binding(
                sub: "sub-1",
                user: "ann@example.com",
                groups: [],
                roles: [
                    Binding.Membership(
                        role: "all",
                        rule: "bind/0",
                        clients: breaches.contains(.policy) ? [Pattern(exactly: "another")] : nil
                    )
                ]
            )
            let open = PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "digest")
            policy = breaches.contains(.policyOver) ? open.expired() : open
            limits.replace(rules: open.limits)
        }

        private func isBreached(_ breach: Breach, asking question: String) -> Bool {
            asked.append(question)
            return breaches.contains(breach)
        }

        var closed: Refusal? { isBreached(.closed, asking: "closed") ? .closed(.notEnrolled) : nil }
        var server: Server? { Server(alias: isBreached(.server, asking: "server") ? "elsewhere" : "up") }

        func session(in era: Revisions.Era, at server: Server) -> SessionLookup {
            isBreached(.session, asking: "session") ? .unknown : .none
        }

        func tool(ofTask id: UnsafeBufferPointer<UInt8>, at server: Server) -> JSONText? {
            isBreached(.task, asking: "task") ? nil : "echo"
        }

        func downtime(of server: Server) -> Refusal? {
            isBreached(.down, asking: "down") ? .down("down", "It is down.", server: server.alias) : nil
        }

        func admit(tool: UnsafeBufferPointer<UInt8>, at server: Server) -> LimitTable.Admission {
            isBreached(.limit, asking: "limit")
                ? .limited(rule: "limits/0", retryAfterMilliseconds: 1000)
                : limits.admit(client: client, server: server.alias, tool: tool, now: 0)
        }

        func words(ofLimit rule: JSONText) -> String? { nil }

        func credential(for server: Server) -> CredentialState {
            isBreached(.credential, asking: "credential") ? .refused(.needsSignIn) : .ready(id: "c", header: [0x78])
        }
    }

    private func authorize(_ method: String, isMatched: Bool, _ authorities: Authorities) throws
        -> Result<CallPlan<Server>, CallDenial>
    {
        let item = method == "tools/call" ? #""name":"echo","# : method == "tasks/get" ? #""taskId":"t-1","# : ""
        let body = Array(Desk.modern(method, item).utf8)
        let (version, name) = (Array("2026-07-28".utf8), Array((isMatched ? method : "ping").utf8))
        let named = Array((method == "tasks/get" ? "t-1" : "echo").utf8)
        let hasItem = !item.isEmpty
        return try body.withUnsafeBufferPointer { body in
            let envelope = try Envelope.scan(body, limits: .message)
            return version.withUnsafeBufferPointer { version in
                name.withUnsafeBufferPointer { name in
                    named.withUnsafeBufferPointer { named in
                        let headers = MCPHeaders(protocolVersion: version, method: name, name: hasItem ? named : nil)
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
        }
    }

    private func reason(_ result: Result<CallPlan<Server>, CallDenial>) -> JSONText? {
        switch result {
        case .success: nil
        case .failure(.unknownServer): "unknown_server"
        case .failure(.refused(let refusal)): refusal.reason
        }
    }

    @Test("Of two guards that would refuse, the earlier one answers, and the later one is not asked")
    func order() throws {
        var pairs = 0
        for first in Breach.allCases {
            for second in Breach.allCases where second.rawValue >= first.rawValue {
                let methods = Set([first, second].compactMap(\.method))
                // No request can breach both.
                guard methods.count < 2 else { continue }
                let authorities = try Authorities([first, second])
                let result = try authorize(
                    methods.first ?? "tools/call",
                    isMatched: first != .headers,
                    authorities
                )
                #expect(reason(result) == first.reason, "\(first) before \(second)")
                #expect(authorities.asked == first.asked, "\(first) before \(second)")
                pairs += 1
            }
        }
        #expect(pairs == 63)
    }

    @Test("Who passes them all gets all that the call needs")
    func passed() throws {
        let authorities = try Authorities([])
        let plan = try authorize("tools/call", isMatched: true, authorities).get()
        #expect(plan.server.alias == "up")
        #expect(plan.session == nil)
        #expect(plan.decision.isAllowed)
        #expect(plan.credential == "c")
        #expect(plan.authorization == [0x78])
        #expect(!plan.isStale)
        #expect(!plan.permit.isEmpty)
        #expect(authorities.asked == Breach.credential.asked)
    }

    @Test("Whom the last guard refuses has taken nothing from the limits")
    func released() throws {
        let authorities = try Authorities([.credential])
        // One call at a time: a slot that was kept would be missed by the second.
        for _ in 0..<2 {
            #expect(try reason(authorize("tools/call", isMatched: true, authorities)) == "needs_sign_in")
        }
    }

    @Test("Limits are for tools: nothing else takes from them")
    func limits() throws {
        let authorities = try Authorities([.limit])
        let plan = try authorize("tools/list", isMatched: true, authorities).get()
        #expect(plan.permit.isEmpty)
        #expect(!authorities.asked.contains("limit"))
    }
}
