import AuditLog
import AuditSink
import Contract
import Database
import Policy
import Rights
import StrictJSON
import Testing

@testable import People

@Suite("Roles that are lowered, people who are removed")
struct RolesTests {
    private let office: Office
    private let ann: EmailAddress

    init() throws {
        office = try Office()
        ann = try #require(EmailAddress("ann@example.com"))
    }

    private func role(of email: String, _ viewer: Caller) async throws -> Role? {
        try await office.people.users(for: viewer.permit()).first { $0.email == email }?.role
    }

    @Test("A caller cannot act on a person with a higher role, nor give more than it has")
    func ranks() async throws {
        let people = office.people
        _ = try await office.caller(.owner, "founder@example.com")
        for (index, rank) in Role.allCases.enumerated() {
            for (number, other) in Role.allCases.enumerated() {
                for (place, new) in Role.allCases.enumerated() {
                    let name = "\(index)-\(number)-\(place)"
                    let caller = try await office.caller(rank, "by-\(name)@example.com")
                    let target = try await office.caller(other, "to-\(name)@example.com")
                    let isAllowed = rank >= .admin && other <= rank && new <= rank
                    let refused = await code { try await people.setRole(new, of: target.email, by: caller.permit()) }
                    #expect(refused == (isAllowed ? nil : "role_needed"), "\(rank) gives \(other) the role \(new)")
                    if new == .member {
                        let target = try await office.caller(other, "gone-\(name)@example.com")
                        let refused = await code { try await people.remove(target.sub, by: caller.permit()) }
                        let mayRemove = rank >= .admin && other <= rank
                        #expect(refused == (mayRemove ? nil : "role_needed"), "\(rank) removes \(other)")
                    }
                }
            }
        }
    }

    @Test("The last owner who could do anything is neither lowered nor removed, by himself or by anybody")
    func lastOwner() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        for role in Role.allCases where role < .owner {
            #expect(await code { try await people.setRole(role, of: owner.sub, by: owner.permit()) } == "last_owner")
        }
        #expect(await code { try await people.remove(owner.email, by: owner.permit()) } == "last_owner")
        let second = try await office.caller(.owner, "second@example.com")
        // An owner without a machine cannot do anything either.
        guard case .machine(let agent) = second.proof else { throw Refused.badToken }
        try await office.database.write { transaction in
            _ = try people.end(machine: agent, .revoked, by: owner, in: transaction)
        }
        #expect(await code { try await people.setRole(.admin, of: owner.sub, by: owner.permit()) } == "last_owner")
        #expect(await code { try await people.remove(second.sub, by: owner.permit()) } == nil)
        let third = try await office.caller(.owner, "third@example.com")
        #expect(await code { try await people.setRole(.admin, of: owner.sub, by: owner.permit()) } == nil)
        #expect(await code { try await people.remove(third.sub, by: third.permit()) } == "last_owner")
    }

    @Test("Of two owners who remove, or lower, each other or themselves at once one stays", arguments: 0..<8)
    func race(_ round: Int) async throws {
        let people = office.people
        let one = try await office.caller(.owner, "one@example.com")
        let two = try await office.caller(.owner, "two@example.com")
        let (first, second) = round.isMultiple(of: 2) ? (two, one) : (one, two)
        async let left = code { () async throws -> Void in
            _ =
                try await round < 4
                ? people.remove(first.sub, by: one.permit()) : people.setRole(.member, of: first.sub, by: one.permit())
        }
        async let right = code { () async throws -> Void in
            _ =
                try await round < 4
                ? people.remove(second.sub, by: two.permit())
                : people.setRole(.member, of: second.sub, by: two.permit())
        }
        let codes = await [left, right]
        #expect(codes.count(where: { $0 == nil }) == 1, "\(codes)")
        let owners = try await office.database.read { view in
            try view.rows("SELECT sub FROM person WHERE role = 'owner'").count
        }
        #expect(owners == 1)
    }

    @Test("A lower role takes from tokens and invitations what it may not give")
    func lowered() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let admin = try await office.caller(.admin)
        let bob = try #require(EmailAddress("bob@example.com"))
        let (own, others) = (
            try await people.invite(
                try #require(EmailAddress(admin.email)),
                role: .admin,
                seconds: 60,
                by: admin.permit()
            ),
            try await people.invite(bob, role: .member, seconds: 60, by: admin.permit())
        )
        let raising = try await people.invite(
            try #require(EmailAddress(admin.email)),
            role: .editor,
            seconds: 60,
            by: owner.permit()
        )
        let harmless = try await people.invite(
            try #require(EmailAddress(admin.email)),
            role: .member,
            seconds: 60,
            by: owner.permit()
        )
        for (name, scopes) in [("all", [.admin]), ("both", [.metrics, .policy]), ("gone", [.metrics])]
            as [(String, Set<Scope>)]
        {
            _ = try await people.addToken(name, scopes: scopes, seconds: 60, by: admin.permit())
        }
        let (person, ended) = try await people.setRole(.auditor, of: admin.email.uppercased(), by: owner.permit())
        #expect(person.role == .auditor)
        #expect(ended.tokens == ["gone"])
        #expect(Set(ended.invitations) == Set([own, others, raising].map(\.invitation.id)))
        let tokens = try await people.tokens(for: owner.permit())
        #expect(tokens.map(\.name) == ["all", "both"])
        #expect(tokens.last?.scopes == [.policy])
        for invitation in [own, others, raising] {
            #expect(
                await code { try await office.use(invitation, as: "a-\(invitation.invitation.id)") } == "token_spent"
            )
        }
        #expect(try await office.use(harmless, as: "a-second").role == .auditor)
        // A member makes no tokens, so none of the member's is left; and raised again, the member does not have them
        // back.
        let (_, last) = try await people.setRole(.member, of: admin.sub, by: owner.permit())
        #expect(last.tokens.sorted() == ["all", "both"])
        _ = try await people.setRole(.admin, of: admin.sub, by: owner.permit())
        #expect(try await people.tokens(for: owner.permit()).isEmpty)
        let again = await code { try await office.use(own, as: "a-again") }
        #expect(again == "token_spent")
    }

    @Test("A role that is changed is stated once, and the same role not at all")
    func stated() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let member = try await office.caller(.member)
        let before = try await office.changes().count
        _ = try await people.setRole(.editor, of: member.sub, by: owner.permit())
        _ = try await people.setRole(.editor, of: member.sub, by: owner.permit())
        let changes = try await office.changes().dropFirst(before)
        #expect(changes.count == 1)
        #expect(changes.first?.what == JSONText("people/\(member.sub)"))
        #expect(changes.first?.who == JSONText(owner.sub))
        #expect(changes.first?.before != nil && changes.first?.after != nil)
        #expect(try await role(of: member.email, owner) == .editor)
    }

    @Test("A person who is removed has nothing left, and comes back only by a new invitation")
    func removed() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let admin = try await office.caller(.admin)
        let bob = try #require(EmailAddress("bob@example.com"))
        let second = try await people.invite(
            try #require(EmailAddress(admin.email)),
            role: .member,
            seconds: 60,
            by: admin.permit()
        )
        _ = try await office.use(second, as: "a-second")
        let token = try await people.addToken("script", scopes: [.admin], seconds: 60, by: admin.permit())
        let byToken = try await people.invite(
            bob,
            role: .admin,
            seconds: 60,
            by: try await people.caller(token: token.secret).permit()
        )
        let forHim = try await people.invite(
            try #require(EmailAddress(admin.email)),
            role: .admin,
            seconds: 60,
            by: owner.permit()
        )
        let came = try await people.invite(bob, role: .member, seconds: 60, by: admin.permit())
        _ = try await office.use(came, as: "a-bob")

        let (person, ended) = try await people.remove(admin.email, by: owner.permit())
        #expect(person.sub == admin.sub)
        #expect(ended.agents.count == 2 && ended.agents.contains("a-second"))
        #expect(ended.tokens == ["script"])
        #expect(Set(ended.invitations) == [byToken.invitation.id, forHim.invitation.id])
        #expect(ended.enrolled.map(\.agentID) == ["a-bob"])
        #expect(await code { try await people.caller(token: token.secret) } == "bad_token")
        #expect(await code { try await people.users(for: admin.permit()) } == nil, "reads are judged at the door")
        let late = await code { try await people.invite(bob, role: .member, seconds: 60, by: admin.permit()) }
        #expect(late == "revoked_key")
        for invitation in [byToken, forHim] {
            #expect(await code { try await office.use(invitation, as: "a-x") } == "token_spent")
        }
        #expect(try await !people.users(for: owner.permit()).map(\.email).contains(admin.email))
        // Once more takes nothing more, but what came in can still be taken.
        let (_, twice) = try await people.remove(admin.sub, enrolled: .revoke, by: owner.permit())
        #expect(twice.agents == ["a-bob"] && twice.tokens.isEmpty && twice.invitations.isEmpty)
        #expect(await code { try await people.setRole(.admin, of: admin.sub, by: owner.permit()) } == "unknown_user")

        let back = try await office.caller(.member, admin.email)
        #expect(back.sub == admin.sub && back.role == .member)
        #expect(try await role(of: admin.email, owner) == .member)
    }

    @Test("A person whom only the policy names has no role to change, and an unknown id has none either")
    func unknown() async throws {
        let (people, ann) = (office.people, ann)
        let owner = try await office.caller(.owner)
        _ = try await office.database.write { transaction in try people.pseudonym(of: ann, in: transaction) }
        #expect(await code { try await people.setRole(.admin, of: ann.text, by: owner.permit()) } == "not_invited")
        for id in ["p-nobody", "nobody@example.com", "", "x"] {
            #expect(await code { try await people.setRole(.member, of: id, by: owner.permit()) } == "unknown_user")
            #expect(await code { try await people.remove(id, by: owner.permit()) } == "unknown_user")
        }
    }

    @Test("An administrator does not take back what an owner gave to a person, by removing that person")
    func above() async throws {
        let people = office.people
        let (owner, admin) = (try await office.caller(.owner), try await office.caller(.admin))
        let editor = try await office.caller(.editor)
        let email = try #require(EmailAddress(editor.email))
        let raising = try await people.invite(email, role: .owner, seconds: 60, by: owner.permit())
        #expect(await code { try await people.remove(editor.sub, by: admin.permit()) } == "role_needed")
        #expect(await code { try await people.setRole(.member, of: editor.sub, by: admin.permit()) } == "role_needed")
        #expect(
            await code { try await people.withdraw(invitation: raising.invitation.id, by: admin.permit()) }
                == "role_needed"
        )
        #expect(await code { try await people.remove(editor.sub, by: owner.permit()) } == nil)
    }
}
