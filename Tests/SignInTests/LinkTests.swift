import AuditLog
import Bytes
import Contract
import Database
import Kits
import People
import Policy
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import SignIn

@Suite("Sign-in links")
struct LinkTests {
    private let lodge: Lodge

    init() throws { lodge = try Lodge() }

    @Test("A link signs in once, for twenty browsers at a time as well, and looking spends nothing")
    func once() async throws {
        let link = try await lodge.link()
        for _ in 0..<3 { #expect(try await lodge.links.offer(link).user == "owner@example.com") }
        let links = lodge.links
        let codes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { await code { try await links.redeem(link, by: .of()) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count(where: { $0 == nil }) == 1)
        #expect(codes.count(where: { $0 == "link_spent" }) == 19)
        #expect(await code { try await lodge.links.offer(link) } == "link_spent")
    }

    @Test("It ends by its time, and what was never one is refused in the same words")
    func ends() async throws {
        let link = try await lodge.link()
        lodge.clock.pass(SignInLinks.life - 1)
        #expect(try await lodge.links.offer(link).user == "owner@example.com")
        lodge.clock.pass(1)
        for bad in [link, "", "AAAA", Base64.url([UInt8](repeating: 0, count: 16)), link + "A"] {
            #expect(await code { try await lodge.links.offer(bad) } == "link_spent")
            #expect(await code { try await lodge.links.redeem(bad, by: .of()) } == "link_spent")
        }
    }

    @Test("The database has a hash of it alone")
    func hashed() async throws {
        let link = try await lodge.link()
        let secret = try #require(Base64.decodeURL(link.utf8))
        let stored = try await lodge.database.read { view in
            try view.rows("SELECT * FROM sign_in_link").map { try $0.blob("secret_hash") }
        }
        #expect(stored == [Hash.of(secret).bytes])
    }

    @Test("A sign-in by link is on record in the organisation's log")
    func recorded() async throws {
        let opened = try await lodge.browser()
        let change = try #require(try await lodge.changes().last)
        #expect(change.who == "coordinator")
        #expect(change.what == JSONText("sessions/\(opened.session.id)"))
    }

    @Test("Without a name it is for the one owner; for none or several it says what to type")
    func owner() async throws {
        #expect(await code { try await lodge.links.make(for: nil) } == "unknown_user")
        _ = try await lodge.database.caller(.owner, "ann")
        #expect(try await lodge.links.make(for: nil).user == "ann@example.com")
        _ = try await lodge.database.caller(.owner, "bob")
        #expect(await code { try await lodge.links.make(for: nil) } == "which_owner")
        #expect(try await lodge.links.make(for: EmailAddress("bob@example.com")).user == "bob@example.com")
        #expect(await code { try await lodge.links.make(for: EmailAddress("eve@example.com")) } == "unknown_user")
    }

    @Test("Before the first machine it is for the owner whom the coordinator invited, who becomes one by it")
    func firstMinutes() async throws {
        _ = try await lodge.people.inviteOwner(try #require(EmailAddress("ann@example.com")))
        #expect(await code { try await lodge.links.make(for: EmailAddress("eve@example.com")) } == "unknown_user")
        let link = Lodge.secret(of: try await lodge.links.make(for: nil))
        let opened = try await lodge.links.redeem(link, by: .of())
        #expect(opened.session.caller.email == "ann@example.com")
        #expect(opened.session.caller.role == .owner)
    }

    @Test(
        "A person who is only invited by others, or was removed, gets none, and one that is open opens nothing any more"
    )
    func removed() async throws {
        let link = try await lodge.link(.admin)
        try await lodge.database.write { transaction in
            try transaction.execute("UPDATE person SET role = NULL, removed_at = 1 WHERE email = 'admin@example.com'")
        }
        #expect(await code { try await lodge.links.redeem(link, by: .of()) } == "link_spent")
        #expect(await code { try await lodge.links.make(for: EmailAddress("admin@example.com")) } == "unknown_user")
    }

    @Test("A machine's link is for its own person, and opens nothing once the machine's key is taken away")
    func machine() async throws {
        let machine = try await lodge.database.caller(.admin).machine()
        let first = try await lodge.links.make(for: machine)
        #expect(first.user == "admin@example.com")
        let opened = try await lodge.links.redeem(Lodge.secret(of: first), by: .of())
        let second = Lodge.secret(of: try await lodge.links.make(for: machine))
        try await lodge.database.write { transaction in
            try transaction.execute("UPDATE agent SET revoked_at = 1, revoked_why = 'revoked'")
        }
        #expect(await code { try await lodge.links.redeem(second, by: .of()) } == "link_spent")
        #expect(try await lodge.sessions.session(of: .with(opened)) == nil)
    }
}
