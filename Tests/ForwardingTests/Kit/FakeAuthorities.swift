import MCP
import Policy
import StrictJSON

@testable import Forwarding

/// Authorities under which these guards refuse, and no others; they keep what they were asked.
final class FakeAuthorities: MessageAuthorities {
    /// A guard that depends on what is known, and not on the message alone.
    enum Breach {
        case closed, policyOver, server, session, policy, hold, thread, task, obligation, down, limit, credential,
            pending, event
    }

    struct Server: AuthorizedServer {
        let alias: JSONText
    }

    let client: JSONText = "tests"
    let shownAlias: JSONText? = "up"
    let policy: PolicySnapshot
    let limits = LimitTable()
    private let breaches: Set<Breach>
    private(set) var asked: [String] = []

    init(_ breaches: Set<Breach>) throws {
        self.breaches = breaches
        let rules = try PolicyRules([
            "version": 1, "roles": [["name": "all", "grant": [["server": "up"]]]], "forbid": [],
            "limits": [["per": "user", "server": "up", "concurrent": 1]],
            "require": [["tools": ["echo"], "online_within": "1h"]],
        ])
        let clients = breaches.contains(.policy) ? [Pattern(exactly: "another")] : nil
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0", clients: clients)]
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
        guard !isBreached(.session, asking: "session") else { return .unknown }
        return .found(Session(SessionKey(client: client, server: server.alias, id: "s"), now: 0))
    }

    func unmet(_ decision: Decision) -> Refusal? {
        isBreached(.obligation, asking: "obligation")
            ? Refusal(code: .denied, reason: "online_within", message: "It is offline.") : nil
    }

    func hints(of tool: UnsafeBufferPointer<UInt8>, at server: Server) -> ToolHints { .assumed }

    func hold(on tool: UnsafeBufferPointer<UInt8>, at server: Server) -> Refusal? {
        isBreached(.hold, asking: "hold")
            ? Refusal(code: .denied, reason: "quarantined", message: "It is held.") : nil
    }

    func missingThread(in era: Revisions.Era, at server: Server) -> Refusal? {
        isBreached(.thread, asking: "thread") ? .noThread(server.alias) : nil
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

    func takePending(_ id: RequestID, in session: Session?, at server: Server) -> Session.Pending? {
        guard !isBreached(.pending, asking: "pending") else { return nil }
        return Session.Pending(facts: nil, spool: nil, began: 0, bytes: 0, stream: ObjectIdentifier(self))
    }

    func wasGiven(event id: UnsafeBufferPointer<UInt8>, in session: Session?, at server: Server) -> Bool {
        !isBreached(.event, asking: "event")
    }
}

extension [String] {
    /// Lends the bytes of each as the value of a header; an empty one is no header.
    func withHeaders<Result>(_ body: (MCPHeaders) throws -> Result) rethrows -> Result {
        let values = (self + ["", "", ""]).map { Array<UInt8>($0.utf8) }
        return try values[0].withUnsafeBufferPointer { version in
            try values[1].withUnsafeBufferPointer { method in
                try values[2].withUnsafeBufferPointer { name in
                    try body(
                        MCPHeaders(
                            protocolVersion: version.isEmpty ? nil : version,
                            method: method.isEmpty ? nil : method,
                            name: name.isEmpty ? nil : name
                        )
                    )
                }
            }
        }
    }
}
