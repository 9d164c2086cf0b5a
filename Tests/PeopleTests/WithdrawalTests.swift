import AuditLog
import Contract
import Database
import Policy
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import People

@Suite("Invitations and tokens that are taken back")
struct WithdrawalTests {
    private let office: Office
    private let ann: EmailAddress

    init() throws {
        office = try Office()
        ann = try #require(EmailAddress("ann@example.com"))
    }

    @Test("An invitation that was taken back opens nothing, is shown as that, and is stated once")
    func withdrawn() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let issued = try await people.invite(ann, role: .member, seconds: 60, by: owner.permit())
        let id = issued.invitation.id
        let before = try await office.changes().count
        let shown = try await people.withdraw(invitation: id, by: owner.permit())
        #expect(shown.json(now: office.clock.now)["state"] == "revoked")
        #expect(shown.json(now: office.clock.now)["made_by"] == .text(owner.email))
        #expect(try await people.withdraw(invitation: id, by: owner.permit()) == shown)
        #expect(await code { try await office.use(issued, as: "a-1") } == "token_spent")
        let changes = try await office.changes().dropFirst(before)
        #expect(changes.map(\.what) == [JSONText("invitations/\(id)")])
        #expect(changes.first?.before != nil && changes.first?.after == nil)
        #expect(
            await code { try await people.withdraw(invitation: "nothing", by: owner.permit()) } == "unknown_invitation"
        )
        #expect(try await people.invitations(for: owner.permit()).first { $0.id == id } == shown)
    }

    @Test("One that was used is not taken back: the machine is there")
    func used() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let issued = try await people.invite(ann, role: .member, seconds: 60, by: owner.permit())
        _ = try await office.use(issued, as: "a-1")
        do {
            _ = try await people.withdraw(invitation: issued.invitation.id, by: owner.permit())
            Issue.record("it was taken back")
        } catch let problem as Refused {
            #expect(problem.code == "invitation_spent")
            #expect(problem.next?.contains("agents revoke a-1") == true)
        }
    }

    @Test("It is used or taken back, never both", arguments: 0..<8)
    func race(_ round: Int) async throws {
        let (office, people) = (office, office.people)
        let owner = try await office.caller(.owner)
        let issued = try await people.invite(ann, role: .member, seconds: 60, by: owner.permit())
        async let used = code { try await office.use(issued, as: "a-1") }
        async let withdrawn = code { try await people.withdraw(invitation: issued.invitation.id, by: owner.permit()) }
        let codes = await [used, withdrawn]
        #expect(codes == [nil, "invitation_spent"] || codes == ["token_spent", nil], "\(codes)")
    }

    @Test("Only administrators take invitations back, and none that a person with a higher role gave")
    func ranks() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let admin = try await office.caller(.admin)
        let first = try await people.inviteOwner(try #require(EmailAddress("new@example.com")))
        let owners = try await people.invite(ann, role: .member, seconds: 60, by: owner.permit())
        let admins = try await people.invite(ann, role: .member, seconds: 60, by: admin.permit())
        for id in [first.invitation.id, owners.invitation.id] {
            #expect(await code { try await people.withdraw(invitation: id, by: admin.permit()) } == "role_needed")
        }
        for role in [Role.member, .auditor, .editor] {
            let caller = try await office.caller(role)
            let refused = await code {
                try await people.withdraw(invitation: admins.invitation.id, by: caller.permit())
            }
            #expect(refused == "role_needed")
        }
        let peer = try await office.caller(.admin, "peer@example.com")
        #expect(await code { try await people.withdraw(invitation: admins.invitation.id, by: peer.permit()) } == nil)
        #expect(await code { try await people.withdraw(invitation: first.invitation.id, by: owner.permit()) } == nil)
    }

    @Test("An administrator takes no tokens of an owner away")
    func ownersTokens() async throws {
        let people = office.people
        let (owner, admin) = (try await office.caller(.owner), try await office.caller(.admin))
        let issued = try await people.addToken("owners", scopes: [.admin], seconds: 60, by: owner.permit())
        #expect(await code { try await people.removeToken("owners", by: admin.permit()) } == "role_needed")
        #expect(
            await code { try await people.removeToken("owners", enrolled: .revoke, by: admin.permit()) }
                == "role_needed"
        )
        #expect(try await people.caller(token: issued.secret).sub == owner.sub)
        let peer = try await office.caller(.admin, "peer@example.com")
        _ = try await people.addToken("peers", scopes: [.admin], seconds: 60, by: peer.permit())
        #expect(await code { try await people.removeToken("peers", by: admin.permit()) } == nil)
        let editor = try await office.caller(.editor)
        _ = try await people.addToken("editors", scopes: [.admin], seconds: 60, by: editor.permit())
        #expect(
            await code { try await people.removeToken("editors", enrolled: .revoke, by: editor.permit()) }
                == "role_needed"
        )
        #expect(await code { try await people.removeToken("editors", by: editor.permit()) } == nil)
    }

    @Test("Tokens and invitations remember the machine, through every token between")
    func remembered() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        guard case .machine(let machine) = owner.proof else { throw Refused.badToken }
        var caller = owner
        for name in ["first", "second"] {
            let issued = try await people.addToken(name, scopes: [.admin], seconds: 60, by: caller.permit())
            #expect(issued.json["made_with"] == .text(machine))
            caller = try await people.caller(token: issued.secret)
        }
        let invitation = try await people.invite(ann, role: .member, seconds: 60, by: caller.permit())
        #expect(invitation.invitation.json(now: office.clock.now)["made_with"] == .text(machine))
        #expect(try await people.tokens(for: owner.permit()).allSatisfy { $0.machine == machine })
    }

    @Test("What had expired goes without a word; what was asked for by name is stated")
    func expired() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let helper = try await office.caller(.owner, "second@example.com")
        guard case .machine(let machine) = helper.proof else { throw Refused.badToken }
        let old = try await people.invite(ann, role: .member, seconds: 10, by: helper.permit())
        _ = try await people.addToken("old", scopes: [.read], seconds: 10, by: helper.permit())
        office.clock.pass(11)
        let before = try await office.changes().count
        let ended = try await office.database.write { transaction in
            try people.end(machine: machine, .revoked, by: owner, in: transaction)
        }
        #expect(ended.invitations.isEmpty && ended.tokens == ["old"])
        #expect(try await office.changes().count == before + 1)
        // A clock that is set back does not open it.
        office.clock.pass(-5)
        #expect(await code { try await office.use(old, as: "a-1") } == "token_spent")
    }

    @Test("What one person can have made at a time is bounded, so that it can end in one transaction")
    func bounds() async throws {
        let people = office.people
        let owner = try await office.caller(.owner)
        let now = office.clock.now
        try await office.database.write { transaction in
            for number in 0..<People.mostInvitations {
                let id = "i-\(number)"
                try transaction.execute(
                    """
                    INSERT INTO invitation (id, secret_hash, email, role, created_by, created_at, expires_at)
                    VALUES (?, ?, ?, 'member', ?, ?, ?)
                    """,
                    [
                        .text(id), .blob(Hash.of(Array(id.utf8)).bytes), .text("\(id)@example.com"),
                        .text(owner.sub), .integer(now), .integer(now + 60),
                    ]
                )
            }
            for number in 0..<People.mostTokens {
                let id = "t-\(number)"
                try transaction.execute(
                    """
                    INSERT INTO token (id, name, secret_hash, sub, scopes, created_at, expires_at)
                    VALUES (?, ?, ?, ?, 'read', ?, ?)
                    """,
                    [
                        .text(id), .text(id), .blob(Hash.of(Array(id.utf8)).bytes), .text(owner.sub),
                        .integer(now), .integer(now + 60),
                    ]
                )
            }
        }
        #expect(
            await code { try await people.invite(ann, role: .member, seconds: 60, by: owner.permit()) } == "too_many"
        )
        #expect(
            await code { try await people.addToken("t", scopes: [.read], seconds: 60, by: owner.permit()) }
                == "too_many"
        )
        // Another person still can, and so can this one once something was taken back.
        let other = try await office.caller(.owner, "second@example.com")
        #expect(await code { try await people.invite(ann, role: .member, seconds: 60, by: other.permit()) } == nil)
        _ = try await people.withdraw(invitation: "i-0", by: owner.permit())
        #expect(await code { try await people.invite(ann, role: .member, seconds: 60, by: owner.permit()) } == nil)
        let (_, ended) = try await people.remove(owner.sub, by: other.permit())
        #expect(ended.invitations.count == People.mostInvitations && ended.tokens.count == People.mostTokens)
    }
}
