import AuditLog
import AuditSink
import Contract
import Database
import Fetch
import Kits
import Logging
import People
import Policy
import Rights
import ServiceKit
import StrictJSON
import Testing

@testable import SignIn

@Suite("People of a provider")
struct StandingTests {
    private let lodge: Lodge
    private let provider: TestProvider

    init() throws {
        lodge = try Lodge()
        provider = try TestProvider()
    }

    private func door(_ change: (inout ProviderSettings) -> Void = { _ in }) -> Provider {
        var settings = provider.settings
        change(&settings)
        return Provider(
            settings,
            database: lodge.database,
            log: lodge.log,
            people: lodge.people,
            revisions: Revisions(changes: Signal()),
            clock: lodge.clock.machine,
            origin: "https://example.com",
            seal: TokenSeal(secret: [1, 2, 3]),
            fetcher: Fetcher(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @discardableResult
    private func signIn(_ door: Provider) async throws -> OpenedSession {
        let departure = try await door.signIn.begin(to: nil, isFresh: false, .of())
        let cookies = departure.cookies.map { ("cookie", String($0.split(separator: ";")[0])) }
        let arrival = try await door.signIn.finish(try provider.consent(departure.url), .of(cookies))
        return try await door.identities.arrive(arrival, by: .of())
    }

    private func role(_ email: String = "ann@example.com") async throws -> Role? {
        let address = try #require(EmailAddress(email))
        return try await lodge.database.read { [people = lodge.people] view in
            try people.person(email: address, in: view)?.role
        }
    }

    private func groups() async throws -> [String] {
        try await lodge.database.read { view in
            try view.rows("SELECT name FROM group_member WHERE source = 'provider' ORDER BY name").map {
                try $0.text("name")
            }
        }
    }

    /// Whether the person's machine is locked, and by whom.
    private func lock(_ sub: String) async throws -> Lock? {
        try await lodge.database.read { view in try Lock.find(sub: sub, machine: nil, in: view) }
    }

    @Test("A newcomer becomes a member, with the groups that the provider names; where people must be invited, nobody")
    func newcomer() async throws {
        let opened = try await signIn(door())
        #expect(opened.session.caller.role == .member)
        #expect(opened.session.way == .provider)
        #expect(try await groups() == ["staff"])
        #expect(try await lodge.changes().map(\.who).allSatisfy { $0 == "provider" })
        #expect(try await lodge.sessions.session(of: .with(opened))?.caller.isLocked == false)
    }

    @Test("Where people must be invited, a stranger is nobody, and a group with a role is an invitation")
    func invitedOnly() async throws {
        #expect(await code { try await signIn(door { $0.admitsNewcomers = false }) } == "not_admitted")
        #expect(try await role() == nil)
        var settings = provider.settings
        settings = ProviderSettings(
            issuer: settings.issuer,
            clientID: settings.clientID,
            clientSecret: settings.clientSecret,
            roles: ["staff": .auditor]
        )
        settings.allowsLoopback = true
        settings.admitsNewcomers = false
        let invited = settings
        #expect(try await signIn(door { $0 = invited }).session.caller.role == .auditor)
    }

    private func withRoles(_ roles: [JSONText: Role]) -> Provider {
        door { settings in
            settings = ProviderSettings(
                issuer: settings.issuer,
                clientID: settings.clientID,
                clientSecret: settings.clientSecret,
                roles: roles
            )
            settings.allowsLoopback = true
        }
    }

    @Test("A role follows the groups at each sign-in, up and down, and never below what people have given")
    func roles() async throws {
        let door = withRoles(["admins": .admin, "audit": .auditor])
        for (groups, expected) in [
            (["staff"], Role.member), (["staff", "audit"], .auditor), (["audit", "admins"], .admin),
            (["audit"], .auditor),
            ([], .member),
        ] {
            provider.change { $0.claims = ["groups": .array(groups.map { .text($0) })] }
            #expect(try await signIn(door).session.caller.role == expected)
            #expect(try await self.groups() == groups.sorted())
        }
        // An owner raises the person by hand.
        let owner = try await lodge.database.caller(.owner)
        _ = try await lodge.people.setRole(.editor, of: "ann@example.com", by: owner.permit())
        provider.change { $0.claims = ["groups": ["admins"]] }
        #expect(try await signIn(door).session.caller.role == .admin)
        provider.change { $0.claims = ["groups": []] }
        #expect(try await signIn(door).session.caller.role == .editor)
    }

    @Test("An invited person keeps the role, and is the same person under a new address")
    func invited() async throws {
        _ = try await lodge.database.caller(.editor, "ann")
        let first = try await signIn(door())
        #expect(first.session.caller.sub == "p-ann")
        #expect(first.session.caller.role == .editor)
        provider.change { $0.claims = ["email": "ann.new@example.com"] }
        let second = try await signIn(door())
        #expect(second.session.caller.sub == "p-ann")
        #expect(second.session.caller.email == "ann.new@example.com")
        #expect(try await role() == nil)
    }

    @Test("An address that was given to somebody else opens nothing of its former owner")
    func recycled() async throws {
        _ = try await signIn(door())
        provider.change { $0.claims = ["sub": "bob-2"] }
        #expect(await code { try await signIn(door()) } == "not_admitted")
        // And nobody takes another one's address by changing the own.
        provider.change { $0.claims = ["sub": "bob-2", "email": "bob@example.com"] }
        _ = try await signIn(door())
        provider.change { $0.claims = ["sub": "bob-2"] }
        #expect(await code { try await signIn(door()) } == "not_admitted")
    }

    @Test("Whom an administrator has removed does not come back by signing in")
    func removed() async throws {
        let opened = try await signIn(door())
        let owner = try await lodge.database.caller(.owner)
        _ = try await lodge.people.remove("ann@example.com", by: owner.permit())
        #expect(try await lodge.sessions.session(of: .with(opened)) == nil)
        #expect(await code { try await signIn(door()) } == "not_admitted")
        #expect(try await groups() == [])
    }

    @Test(
        "The provider is asked every few minutes; a person whom it does not know any more is out, machines too, until the next sign-in"
    )
    func ended() async throws {
        let door = door()
        let opened = try await signIn(door)
        let sub = opened.session.caller.sub
        _ = try await door.watch.look()
        #expect(provider.asked("/token") == 1)
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(provider.asked("/token") == 2)
        #expect(try await lock(sub) == nil)
        #expect(try await lodge.sessions.session(of: .with(opened)) != nil)

        provider.change { $0.refreshTokens = [] }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(sub)?.isLapse == true)
        #expect(try await lodge.sessions.session(of: .with(opened)) == nil)
        #expect(try await lodge.changes().last?.what == JSONText("people/\(sub)/standing"))
        // Nobody is asked about twice.
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(provider.asked("/token") == 3)

        _ = try await signIn(door)
        #expect(try await lock(sub) == nil)
    }

    @Test("Groups and roles are read again with each question")
    func groupsAgain() async throws {
        let door = withRoles(["admins": .admin])
        provider.change { $0.claims = ["groups": ["admins", "staff"]] }
        let opened = try await signIn(door)
        #expect(try await role() == .admin)
        provider.change { $0.claims = ["groups": ["staff"]] }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await role() == .member)
        #expect(try await groups() == ["staff"])
        #expect(try await lodge.sessions.session(of: .with(opened))?.caller.role == .member)
    }

    @Test(
        "A provider that is down puts nobody out for an hour, and everybody after it; a link of the coordinator lets in"
    )
    func down() async throws {
        let door = door()
        let opened = try await signIn(door)
        let sub = opened.session.caller.sub
        provider.change { $0.refusal = (503, "") }
        for _ in 0..<29 {
            lodge.clock.pass(120)
            _ = try await door.watch.look()
        }
        #expect(try await lock(sub) == nil)
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(sub)?.isLapse == true)

        let link = Lodge.secret(of: try await lodge.links.make(for: EmailAddress("ann@example.com")))
        let local = try await lodge.links.redeem(link, by: .of())
        #expect(try await lodge.sessions.session(of: .with(local))?.caller.isLocked == false)
    }

    @Test("A clock that is set forward puts nobody out whom nobody has asked about")
    func clock() async throws {
        let door = door()
        let sub = try await signIn(door).session.caller.sub
        try await lodge.database.write { transaction in
            // Without a browser, a machine and a token there is nothing to ask for.
            try transaction.execute("DELETE FROM browser_session")
        }
        lodge.clock.pass(7 * 86_400)
        _ = try await door.watch.look()
        #expect(try await lock(sub) == nil)
        #expect(provider.asked("/token") == 1)
    }

    @Test("A provider without time is asked about one person in a turn, and not at once again")
    func busy() async throws {
        let door = door()
        for number in 0..<25 {
            provider.change { $0.claims = ["sub": .text("p-\(number)"), "email": .text("p\(number)@example.com")] }
            _ = try await signIn(door)
        }
        lodge.clock.pass(120)
        provider.change { $0.refusal = (503, "") }
        let before = provider.asked("/token")
        #expect(try await !door.watch.look())
        #expect(provider.asked("/token") == before + 1)
        provider.change {
            $0.refusal = nil
            $0.claims = [:]
            $0.givesIDToken = false
        }
        #expect(try await door.watch.look())
    }

    @Test("A refresh token that came is kept, whatever else the answer was")
    func rotated() async throws {
        let door = door()
        let sub = try await signIn(door).session.caller.sub
        provider.change { $0.claims = ["aud": "another"] }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(sub) == nil)
        provider.change { $0.claims = [:] }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(sub) == nil)
        #expect(provider.asked("/token") == 3)
    }

    @Test("An answer about somebody else changes nothing")
    func otherSubject() async throws {
        let door = withRoles(["admins": .admin])
        _ = try await signIn(door)
        provider.change { $0.claims = ["sub": "eve-3", "groups": ["admins"]] }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await role() == .member)
    }

    @Test("Without refresh tokens a sign-in counts for as long as the settings say")
    func withoutRefresh() async throws {
        provider.change { $0.givesRefreshToken = false }
        let door = door { $0.longestAbsence = 7200 }
        let sub = try await signIn(door).session.caller.sub
        lodge.clock.pass(7199)
        _ = try await door.watch.look()
        #expect(try await lock(sub) == nil)
        lodge.clock.pass(1)
        _ = try await door.watch.look()
        #expect(try await lock(sub)?.isLapse == true)
        #expect(provider.asked("/token") == 1)
    }

    @Test("Where the settings want it, people sign in again though the provider still names them")
    func again() async throws {
        let door = door { $0.longestAbsence = 3600 }
        let sub = try await signIn(door).session.caller.sub
        for _ in 0..<29 {
            lodge.clock.pass(120)
            _ = try await door.watch.look()
        }
        #expect(try await lock(sub) == nil)
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(sub)?.isLapse == true)
    }

    @Test(
        "An administrator can let in whom the provider does not name: from then on it has no say, until the next sign-in"
    )
    func letIn() async throws {
        let door = door()
        let sub = try await signIn(door).session.caller.sub
        provider.change { $0.refreshTokens = [] }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(sub)?.isLapse == true)
        let owner = try await lodge.database.caller(.owner)
        _ = try await lodge.people.unlock("ann@example.com", by: owner.permit())
        #expect(try await lock(sub) == nil)
        #expect(try await groups() == [])
        #expect(try await lodge.changes().last?.who == JSONText(owner.sub))
        lodge.clock.pass(7200)
        _ = try await door.watch.look()
        #expect(try await lock(sub) == nil)
        _ = try await signIn(door)
        #expect(try await groups() == ["staff"])
    }

    @Test("Without the provider nobody keeps what it gave, and whom it had shut out stays so")
    func withoutProvider() async throws {
        let door = withRoles(["staff": .auditor])
        let ann = try await signIn(door).session.caller
        #expect(ann.role == .auditor)
        provider.change { $0.claims = ["sub": "bob-2", "email": "bob@example.com"] }
        let bob = try await signIn(door).session.caller
        provider.change { $0.refreshTokens = $0.refreshTokens.filter { $0 == "rt-2" } }
        lodge.clock.pass(120)
        _ = try await door.watch.look()
        #expect(try await lock(bob.sub)?.isLapse == true)

        try await lodge.people.letGo(ofProvidersBut: provider.issuer)
        #expect(try await role() == .auditor)
        try await lodge.people.letGo(ofProvidersBut: nil)
        #expect(try await role() == .member)
        #expect(try await lock(ann.sub) == nil)
        #expect(try await lock(bob.sub)?.isLapse == true)
        #expect(try await groups() == ["staff"])
    }

    @Test("Machines are told every eight hours who their person still is")
    func told() async throws {
        let door = door()
        let sub = try await signIn(door).session.caller.sub
        func revision() async throws -> Int? {
            try await lodge.database.read { view in
                try view.first("SELECT revision FROM person WHERE sub = ?", [.text(sub)])?.integer("revision")
            }
        }
        let first = try await revision()
        lodge.clock.pass(3000)
        _ = try await door.watch.look()
        #expect(try await revision() == first)
        for _ in 0..<9 {
            lodge.clock.pass(3000)
            _ = try await door.watch.look()
        }
        #expect(try #require(try await revision()) > #require(first))
    }

    @Test("What the provider handed out is sealed: the database alone opens nothing, and one person's is no other's")
    func sealed() async throws {
        _ = try await signIn(door())
        let blobs = try await lodge.database.read { view in
            [
                try view.first("SELECT refresh FROM identity")?.blob("refresh"),
                try view.first("SELECT id_token FROM browser_session")?.blob("id_token"),
            ]
        }
        for blob in blobs {
            let text = String(decoding: try #require(blob), as: UTF8.self)
            #expect(!text.contains("rt-") && !text.contains("eyJ"))
        }
        let seal = TokenSeal(secret: [1, 2, 3])
        let box = try seal.seal("rt-1", of: "ann")
        #expect(seal.open(box, of: "ann") == "rt-1")
        #expect(seal.open(box, of: "bob") == nil)
        #expect(TokenSeal(secret: [1, 2, 4]).open(box, of: "ann") == nil)
    }

    @Test("A browser that signs out is told where it can do so at the provider")
    func farewell() async throws {
        let door = door()
        let opened = try await signIn(door)
        let sealed = try await lodge.sessions.end(opened.session)
        let url = try #require(await door.farewell(sealed, of: opened.session))
        #expect(url.hasPrefix("\(provider.server.origin)/end?id_token_hint=eyJ"))
        #expect(await door.farewell(nil, of: opened.session) == nil)
    }
}
