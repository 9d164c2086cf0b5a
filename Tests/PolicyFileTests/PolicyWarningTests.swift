import PolicyFile
import Testing

@Suite("Warnings of a policy file")
struct PolicyWarningTests {
    private func warnings(_ text: String) throws -> [String] {
        try PolicyFile(parsing: Array(("version: 1\n" + text).utf8)).warnings.map(\.description)
    }

    @Test("A file whose rules all change something has no warnings")
    func none() throws {
        let text = """
            roles:
              dev:
                grant:
                  - { server: github, tools: ["get_*", "list_*"], resources: ["repo://*"], prompts: ["*"] }
                  - { server: github, tools: ["get_issue"], server_requests: [sampling] }
              guest:
                grant: [{ server: docs }]
            bind:
              - { user: ann@example.com, role: dev }
              - { group: engineering, role: dev, clients: [claude-code] }
              - { everyone: true, role: guest }
            forbid:
              - { server: github, tools: ["delete_*"], because: "deletions go through review" }
              - { user: bob@example.com, server: docs }
            limits:
              - { per: user, server: github, tools: ["*"], rate: 60/min, burst: 20, concurrent: 4 }

            """
        #expect(try warnings(text).isEmpty)
    }

    @Test("Demands that another rule makes too, and those that nobody can meet, are named")
    func requirements() throws {
        let text = """
            require:
              - { server: a, tools: ["x"], online_within: 2h }
              - { server: a, online_within: 1h }
              - { server: b, key_protection: keyring }
              - { server: b, tools: ["x"], key_protection: tpm }
            """
        #expect(
            try warnings(text) == [
                "require/0: demands nothing that require/1 does not demand",
                "require/3: can never be met together with another rule: no key is kept in two places",
            ]
        )
    }

    @Test(
        "Rules that can never match are named",
        arguments: [
            ("roles: { dev: { grant: [{ server: a }] } }\n", "roles/dev: is bound to nobody"),
            ("roles: { dev: { grant: [] } }\nbind: [{ everyone: true, role: dev }]\n", "roles/dev: grants nothing"),
            (
                """
                roles: { dev: { grant: [{ server: a, resources: ["file:///a/../b", "file:///c/../*", "file:///c/.*"] }] } }
                bind: [{ everyone: true, role: dev }]
                """, "roles/dev/grant/0/resources/0: can never match"
            ),
            (
                """
                roles: { dev: { grant: [{ server: a, tools: ["get_*"] }] } }
                bind: [{ everyone: true, role: dev }]
                limits: [{ per: user, server: a, tools: ["set_*"], rate: 1/s }]
                """, "limits/0: can never match"
            ),
            (
                """
                roles: { dev: { grant: [{ server: a, tools: ["get_*"] }] } }
                bind: [{ everyone: true, role: dev }]
                forbid: [{ server: a }]
                """, "roles/dev/grant/0: opens nothing: forbid/0"
            ),
        ]
    )
    func never(text: String, expected: String) throws {
        let found = try warnings(text)
        #expect(found.contains { $0.hasPrefix(expected) }, "\(found)")
    }

    @Test("Of the three patterns of a resource only those are named that can never match")
    func patterns() throws {
        let found = try warnings(
            """
            roles: { dev: { grant: [{ server: a, resources: ["file:///a/../b", "file:///c/../*", "file:///c/.*"] }] } }
            bind: [{ everyone: true, role: dev }]
            """
        )
        #expect(found.map { $0.prefix(29) } == ["roles/dev/grant/0/resources/0", "roles/dev/grant/0/resources/1"])
    }

    @Test(
        "Rules that another one covers are named, once for two that are equal",
        arguments: [
            (
                """
                roles: { dev: { grant: [{ server: a, tools: ["get_x"] }, { server: "*", tools: ["get_*"] }] } }
                bind: [{ everyone: true, role: dev }]
                """, ["roles/dev/grant/0: opens nothing that roles/dev/grant/1 does not open"]
            ),
            (
                """
                roles: { dev: { grant: [{ server: a }] } }
                bind: [{ everyone: true, role: dev }, { user: ann@example.com, role: dev }]
                """, ["bind/1: gives nobody anything that bind/0 does not give"]
            ),
            (
                """
                roles: { dev: { grant: [{ server: a }, { server: a }] } }
                bind: [{ everyone: true, role: dev }]
                """, ["roles/dev/grant/1: opens nothing that roles/dev/grant/0 does not open"]
            ),
            (
                """
                roles: { dev: { grant: [{ server: a }] } }
                bind: [{ everyone: true, role: dev }]
                forbid: [{ server: a, tools: ["del_*"] }, { user: ann@example.com, server: a, tools: ["del_x"] }]
                """, ["forbid/1: closes nothing that forbid/0 does not close"]
            ),
        ]
    )
    func shadowed(text: String, expected: [String]) throws {
        #expect(try warnings(text) == expected)
    }

    @Test("A rule that forbids a part of a granted folder is told that a server may know other spellings")
    func spellings() throws {
        let found = try warnings(
            """
            roles: { dev: { grant: [{ server: a, resources: ["file:///docs/*"] }] } }
            bind: [{ everyone: true, role: dev }]
            forbid: [{ server: a, resources: ["file:///docs/private/*"] }]
            """
        )
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("forbid/0/resources/0: names a part of what roles/dev/grant/0 opens") == true)
    }

    @Test("A file of many rules is judged in bounded time, and nothing of it is too much")
    func many() throws {
        let grants = (0..<3000).map { "{ server: a, tools: [t\($0)] }" }.joined(separator: ", ")
        let found = try warnings("roles: { dev: { grant: [\(grants)] } }\nbind: [{ everyone: true, role: dev }]\n")
        #expect(found.isEmpty)
    }
}
