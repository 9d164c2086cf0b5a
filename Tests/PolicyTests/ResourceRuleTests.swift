import StrictJSON
import Testing

@testable import Policy

@Suite("Rules for resources")
struct ResourceRuleTests {
    /// `docs` opens a folder and closes one in it, `open` opens everything, `exact` names one odd spelling.
    private let policy: PolicySnapshot

    init() throws {
        let grants = [
            PolicyRules.Grant(
                server: Pattern(exactly: "docs"),
                items: try Self.items(["file:///docs/*"]),
                serverRequests: []
            ),
            PolicyRules.Grant(server: Pattern(exactly: "open"), items: try Self.items(["*"]), serverRequests: []),
            PolicyRules.Grant(
                server: Pattern(exactly: "whole"),
                items: PolicyRules.Items(tools: nil, resources: nil, prompts: nil),
                serverRequests: []
            ),
            PolicyRules.Grant(
                server: Pattern(exactly: "exact"),
                items: try Self.items(["file:///docs/../x"]),
                serverRequests: []
            ),
            PolicyRules.Grant(server: Pattern(exactly: "closed"), items: try Self.items(["*"]), serverRequests: []),
        ]
        let forbids = [
            PolicyRules.Forbid(
                scope: RuleScope(
                    server: Pattern(exactly: "closed"),
                    items: try Self.items(["file:///docs/private/*"])
                )
            )
        ]
        policy = PolicySnapshot(
            rules: PolicyRules(roles: [PolicyRules.Role(name: "dev", grants: grants)], forbids: forbids),
            binding: Binding(
                sub: "p-1",
                user: "ann@example.com",
                groups: [],
                roles: [Binding.Membership(role: "dev", rule: "bind/0", clients: nil)]
            ),
            version: 1,
            digest: ""
        )
    }

    private static func items(_ patterns: [String]) throws -> PolicyRules.Items {
        PolicyRules.Items(
            tools: nil,
            resources: try patterns.map { try Pattern(.text($0), at: "") },
            prompts: nil
        )
    }

    private func reads(_ uri: String, on server: JSONText) -> Bool {
        Array(uri.utf8).withUnsafeBufferPointer {
            policy.decide(client: "local", server: server, ask: .resource($0)).isAllowed
        }
    }

    @Test(
        "A way out of a granted folder is not granted, though it begins like the folder",
        arguments: [
            "file:///docs/../etc/passwd", "file:///docs/%2e%2e/etc/passwd", "file:///docs/./private/x",
            "file:///docs//private/x", "file:///docs/..\\etc",
        ]
    )
    func grants(uri: String) {
        #expect(reads("file:///docs/a", on: "docs"))
        #expect(!reads(uri, on: "docs"))
        #expect(reads(uri, on: "open"))
        #expect(reads(uri, on: "whole"))
    }

    @Test("No grant but * matches such a URI, not even one that names it")
    func exact() {
        #expect(!reads("file:///docs/../x", on: "exact"))
    }

    @Test(
        "A rule that forbids resources closes every URI that may lead to them",
        arguments: [
            "file:///docs/./private/x", "file:///docs//private/x", "file:///a/../docs/private/x", "other:/a/..",
        ]
    )
    func forbids(uri: String) {
        #expect(reads("file:///docs/a", on: "closed"))
        #expect(!reads("file:///docs/private/x", on: "closed"))
        #expect(!reads(uri, on: "closed"))
    }
}
