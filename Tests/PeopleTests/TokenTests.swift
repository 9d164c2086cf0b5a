import AuditLog
import AuditSink
import Contract
import Policy
import Rights
import StrictJSON
import Testing

@testable import People

@Suite("Tokens of the web API")
struct TokenTests {
    private let office: Office

    init() throws {
        office = try Office()
    }

    /// The rights of a caller.
    private func rights(_ caller: Caller) -> Set<Right> {
        Set(Right.allCases.filter { right in (try? caller.require(right)) != nil })
    }

    @Test("A token carries its maker's rights, cut to its scopes")
    func scopes() async throws {
        let people = office.people
        let expected: [(Role, Set<Scope>, Set<Right>)] = [
            (.owner, [.admin], Set(Right.allCases)),
            (
                .owner, [.read],
                [.readCatalog, .readServers, .readTools, .readPolicy, .readPeople, .readTokens, .readMetrics]
            ),
            (.owner, [.policy], [.readPolicy, .checkPolicy, .editPolicy]),
            (.owner, [.audit], [.readRecords, .makeReports]),
            (.owner, [.metrics], [.readMetrics]),
            (.owner, [.metrics, .audit], [.readMetrics, .readRecords, .makeReports]),
            (
                .editor, [.admin],
                [
                    .readCatalog, .readServers, .readTools, .readPolicy, .checkPolicy, .editPolicy, .readPeople,
                    .readTokens, .editTokens, .readRecords, .makeReports,
                ]
            ),
            (.auditor, [.policy], [.readPolicy, .checkPolicy]),
        ]
        for (index, (role, scopes, wanted)) in expected.enumerated() {
            let maker = try await office.caller(role)
            let issued = try await people.addToken("t\(index)", scopes: scopes, seconds: 60, by: maker.permit())
            let caller = try await people.caller(token: issued.secret)
            #expect(rights(caller) == wanted, "\(role) \(scopes)")
            #expect(rights(caller).isSubset(of: rights(maker)))
            #expect(throws: Refused.self) { try caller.machine() }
        }
    }

    @Test("Members have no right but to see which servers they may use")
    func members() async throws {
        let member = try await office.caller(.member)
        #expect(rights(member) == [.readCatalog])
        #expect(
            await code { try await office.people.addToken("mine", scopes: [.admin], seconds: 60, by: member.permit()) }
                == "role_needed"
        )
    }

    @Test("A token ends by its time, when it is removed, and in no other spelling")
    func ends() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let issued = try await people.addToken("brief", scopes: [.read], seconds: 30, by: owner.permit())
        #expect(issued.secret.hasPrefix("dwt1_"))
        let other = issued.secret.last == "A" ? "B" : "A"
        for text in [
            "", "dwt1_", "dwt1_AAAA", issued.secret + "A", " " + issued.secret, issued.secret.uppercased(),
            String(issued.secret.dropLast()), "\(issued.secret.dropLast())\(other)",
            "dwi1." + issued.secret.dropFirst(5),
        ] {
            #expect(await code { try await people.caller(token: text) } == "bad_token", "\(text.count)")
        }
        office.clock.pass(29)
        #expect(try await people.caller(token: issued.secret).sub == owner.sub)
        office.clock.pass(1)
        #expect(await code { try await people.caller(token: issued.secret) } == "bad_token")
        let second = try await people.addToken("second", scopes: [.read], seconds: 30, by: owner.permit())
        try await people.removeToken("second", by: owner.permit())
        #expect(await code { try await people.caller(token: second.secret) } == "bad_token")
        #expect(await code { try await people.removeToken("second", by: owner.permit()) } == "unknown_token")
    }

    @Test("A token that was made with a token ends with that one")
    func chain() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let first = try await people.addToken("first", scopes: [.admin], seconds: 60, by: owner.permit())
        let by = try await people.caller(token: first.secret)
        let second = try await people.addToken("second", scopes: [.admin], seconds: 366 * 86_400, by: by.permit())
        #expect(second.token.expiresAt == first.token.expiresAt)
    }

    @Test("A token that was made with a token is removed with that one, in every generation, and each is stated")
    func family() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        var makers = [owner]
        for name in ["first", "second", "third"] {
            let issued = try await people.addToken(
                name,
                scopes: [.admin],
                seconds: 60,
                by: makers[makers.count - 1].permit()
            )
            makers.append(try await people.caller(token: issued.secret))
        }
        let sibling = try await people.addToken("sibling", scopes: [.read], seconds: 60, by: makers[1].permit())
        let other = try await people.addToken("other", scopes: [.read], seconds: 60, by: owner.permit())
        let before = try await office.changes().count
        try await people.removeToken("first", by: owner.permit())
        #expect(try await people.tokens(for: owner.permit()).map(\.name) == ["other"])
        #expect(await code { try await people.caller(token: sibling.secret) } == "bad_token")
        #expect(try await people.caller(token: other.secret).sub == owner.sub)
        let changes = try await office.changes().dropFirst(before)
        #expect(changes.count == 4)
        #expect(changes.allSatisfy { $0.after == nil && $0.before != nil })
        // A caller that was let in just before makes no new one.
        for maker in makers.dropFirst() {
            let late = await code {
                try await people.addToken("late", scopes: [.read], seconds: 60, by: maker.permit())
            }
            #expect(late == "bad_token")
        }
    }

    @Test("A scope that opens nothing to its maker makes no token")
    func emptyScopes() async throws {
        let people = office.people
        for (role, scope, isUseful) in [
            (Role.auditor, Scope.metrics, false), (.editor, .metrics, false), (.admin, .metrics, true),
            (.auditor, .policy, true), (.auditor, .audit, true), (.auditor, .read, true), (.auditor, .admin, true),
        ] {
            let maker = try await office.caller(role)
            let name = "\(role)-\(scope)"
            let refused = await code {
                try await people.addToken(name, scopes: [scope], seconds: 60, by: maker.permit())
            }
            #expect(refused == (isUseful ? nil : "role_needed"), "\(name)")
        }
    }

    @Test("A caller who is no administrator sees and removes only their own")
    func own() async throws {
        let people = office.people
        let (owner, editor) = (try await office.caller(.owner), try await office.caller(.editor))
        _ = try await people.addToken("owners", scopes: [.admin], seconds: 60, by: owner.permit())
        _ = try await people.addToken("editors", scopes: [.policy], seconds: 60, by: editor.permit())
        #expect(try await people.tokens(for: editor.permit()).map(\.name) == ["editors"])
        #expect(try await people.tokens(for: owner.permit()).map(\.name) == ["editors", "owners"])
        #expect(await code { try await people.removeToken("owners", by: editor.permit()) } == "unknown_token")
        #expect(await code { try await people.removeToken("editors", by: owner.permit()) } == nil)
    }

    @Test("Names are one token's each, and nothing that a path or a terminal could take otherwise")
    func names() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        _ = try await people.addToken("ci.main_1-a", scopes: [.read], seconds: 60, by: owner.permit())
        let again = await code {
            try await people.addToken("ci.main_1-a", scopes: [.read], seconds: 60, by: owner.permit())
        }
        #expect(again == "name_taken")
        for name in ["", ".", "..", "a b", "a/b", "a\u{0}", "\u{E4}", "a\u{1B}[2J", String(repeating: "a", count: 65)] {
            #expect(
                await code { try await people.addToken(name, scopes: [.read], seconds: 60, by: owner.permit()) }
                    == "invalid_request"
            )
        }
        #expect(
            await code { try await people.addToken("none", scopes: [], seconds: 60, by: owner.permit()) }
                == "invalid_request"
        )
        #expect(
            await code { try await people.addToken("long", scopes: [.read], seconds: .max, by: owner.permit()) }
                == "invalid_request"
        )
    }

    @Test("What is stored opens nothing, and the log states each change")
    func secrets() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let issued = try await people.addToken("ci", scopes: [.read], seconds: 60, by: owner.permit())
        let secret = issued.secret.dropFirst(5)
        for row in try await office.stored() { #expect(!row.contains(secret)) }
        #expect(!(try await people.tokens(for: owner.permit())).map(\.json.json).joined().contains(secret))
        try await people.removeToken("ci", by: owner.permit())
        let changes = try await office.changes().suffix(2)
        #expect(changes.map(\.what) == Array(repeating: JSONText("tokens/\(issued.token.id)"), count: 2))
        #expect(changes.first?.after == changes.last?.before)
        #expect(changes.last?.after == nil)
    }
}
