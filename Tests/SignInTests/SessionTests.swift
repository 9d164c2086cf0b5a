import Bytes
import Contract
import Database
import Rights
import Testing
import TransparencyLog

@testable import SignIn

@Suite("Sessions of browsers")
struct SessionTests {
    private let lodge: Lodge

    init() throws { lodge = try Lodge() }

    @Test("A cookie is its person, as every operation knows the sender of a request, with the present role")
    func caller() async throws {
        let opened = try await lodge.browser(.admin)
        let session = try #require(try await lodge.sessions.session(of: .with(opened)))
        #expect(session == opened.session)
        #expect(session.caller.email == "admin@example.com")
        #expect(session.caller.role == .admin)
        try await lodge.database.write { transaction in
            try transaction.execute("UPDATE person SET role = 'auditor'")
        }
        #expect(try await lodge.sessions.session(of: .with(opened))?.caller.role == .auditor)
        try await lodge.database.write { transaction in try transaction.execute("UPDATE person SET role = NULL") }
        #expect(try await lodge.sessions.session(of: .with(opened)) == nil)
    }

    @Test(
        "The cookie has the prefix that only its own host can set, and no script can read it; the database has a hash alone"
    )
    func cookie() async throws {
        let opened = try await lodge.browser()
        let parts = opened.cookie.split(separator: "; ").map(String.init)
        #expect(parts[0].hasPrefix("__Host-doorward="))
        #expect(Set(parts.dropFirst()) == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
        let secret = try #require(Base64.decodeURL(opened.pair.split(separator: "=")[1].utf8))
        #expect(secret.count == 32)
        let hashes = try await lodge.database.read { view in
            try view.rows("SELECT secret_hash FROM browser_session").map { try $0.blob("secret_hash") }
        }
        #expect(hashes == [Hash.of(secret).bytes])
    }

    @Test("It ends where it rests for an hour, and after twelve however busy it is")
    func ends() async throws {
        let resting = try await lodge.browser()
        lodge.clock.pass(BrowserSessions.rest - 1)
        #expect(try await lodge.sessions.session(of: .with(resting)) != nil)
        let busy = try await lodge.browser()
        for _ in 1..<24 {
            lodge.clock.pass(BrowserSessions.life / 24)
            #expect(try await lodge.sessions.session(of: .with(busy)) != nil)
            // The time of use is written behind the answer: this waits for it.
            try await lodge.database.write { _ in }
        }
        #expect(try await lodge.sessions.session(of: .with(resting)) == nil)
        lodge.clock.pass(BrowserSessions.life / 24)
        #expect(try await lodge.sessions.session(of: .with(busy)) == nil)
    }

    @Test("A recent sign-in is one for a quarter of an hour")
    func recent() async throws {
        let opened = try await lodge.browser()
        func isRecent() async throws -> Bool? {
            guard case .session(_, let isRecent) = try await lodge.sessions.session(of: .with(opened))?.caller.proof
            else { return nil }
            return isRecent
        }
        lodge.clock.pass(BrowserSessions.recent - 1)
        #expect(try await isRecent() == true)
        lodge.clock.pass(1)
        #expect(try await isRecent() == false)
    }

    @Test("Signing in again makes a new secret, whatever cookie there was, and open forms of the same person stay good")
    func fixation() async throws {
        let first = try await lodge.browser()
        let again = try await lodge.links.redeem(try await lodge.link(), by: .with(first))
        #expect(again.pair != first.pair)
        #expect(again.session.csrf == first.session.csrf)
        #expect(try await lodge.sessions.session(of: .with(first)) == nil)

        // Chosen by somebody else, before the person came.
        let planted = BrowserRequest.of([("cookie", "__Host-doorward=\(Base64.url([UInt8](repeating: 7, count: 32)))")])
        let opened = try await lodge.links.redeem(try await lodge.link(), by: planted)
        #expect(try await lodge.sessions.session(of: planted) == nil)
        #expect(try await lodge.sessions.session(of: .with(opened)) != nil)
    }

    @Test("Another person in the same browser ends the first one's session, and shares nothing with it")
    func other() async throws {
        let first = try await lodge.browser(.owner)
        let other = try await lodge.links.redeem(try await lodge.link(.member), by: .with(first))
        #expect(other.session.csrf != first.session.csrf)
        #expect(try await lodge.sessions.session(of: .with(first)) == nil)
    }

    @Test("Signed out is signed out, though the cookie is sent on")
    func out() async throws {
        let opened = try await lodge.browser()
        try await lodge.sessions.end(opened.session)
        #expect(try await lodge.sessions.session(of: .with(opened)) == nil)
        try await lodge.sessions.end(opened.session)
    }

    @Test("A request without exactly one cookie of the name, or with another form of it, has no session")
    func forms() async throws {
        let pair = try await lodge.browser().pair
        let other = try await lodge.browser().pair
        let secret = pair.split(separator: "=")[1]
        func isIn(_ cookies: String...) async throws -> Bool {
            try await lodge.sessions.session(of: .of(cookies.map { ("cookie", $0) })) != nil
        }
        #expect(try await isIn(pair))
        #expect(try await isIn("theme=dark; \(pair); x=1"))
        #expect(try await isIn("theme=dark", pair))
        #expect(try await !isIn("\(pair); \(other)"))
        #expect(try await !isIn(pair, other))
        for form in [
            "", "doorward=\(secret)", "__host-doorward=\(secret)", "__Host-doorward=", "__Host-doorward=\(secret)A",
            "__Host-doorward=\"\(secret)\"", "__Host-doorward =\(secret)",
        ] {
            #expect(try await !isIn(form), "\(form)")
        }
    }

    @Test("A person has twenty; the oldest ends for the next")
    func most() async throws {
        let first = try await lodge.browser()
        for _ in 1..<BrowserSessions.mostOfPerson {
            lodge.clock.pass(1)
            _ = try await lodge.browser()
        }
        #expect(try await lodge.sessions.session(of: .with(first)) != nil)
        lodge.clock.pass(1)
        let last = try await lodge.browser()
        #expect(try await lodge.sessions.session(of: .with(first)) == nil)
        #expect(try await lodge.sessions.session(of: .with(last)) != nil)
    }
}
