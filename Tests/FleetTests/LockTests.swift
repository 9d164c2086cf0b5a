import AuditLog
import AuditSink
import Contract
import Database
import Kits
import People
import Policy
import Rights
import StrictJSON
import Testing

@testable import Fleet

@Suite("Locks")
struct LockTests {
    private let office: Office
    private let mallory: EmailAddress

    init() throws {
        office = try Office()
        mallory = try #require(EmailAddress("mallory@example.com"))
    }

    private func owner() async throws -> Caller {
        try await office.caller(try await office.machine("founder@example.com", .owner))
    }

    private func lock(of machine: Machine) async throws -> MachineLock? {
        try office.state(try await office.news(machine)).lock
    }

    @Test("A machine that is locked is told so in its signed state, at once, and that it is not any more")
    func told() async throws {
        let (fleet, owner) = (office.fleet, try await owner())
        let machine = try await office.machine("ann@example.com")
        let before = try office.state(try await office.news(machine))
        #expect(before.lock == nil)
        let waiting = try await office.caller(machine).machine()
        let question = SyncQuestion(after: before.counter)
        async let held = fleet.news(question, for: waiting, hold: .seconds(50))
        let shown = try await fleet.lock(machine.id, why: "lost on a train", by: owner.permit())
        #expect(shown.lock?.why == "lost on a train")
        let told = try office.state(try await held)
        #expect(told.lock?.why == "lost on a train" && told.counter > before.counter)
        #expect(try await office.news(machine, after: told.counter) == nil)
        #expect(try await fleet.unlock(machine.id, by: owner.permit()).lock == nil)
        let after = try office.state(try await office.news(machine, after: told.counter))
        #expect(after.lock == nil && after.counter > told.counter)
    }

    @Test("A person who is locked is locked with all machines")
    func persons() async throws {
        let owner = try await owner()
        let machines = [try await office.machine("ann@example.com"), try await office.machine("ann@example.com")]
        let other = try await office.machine("bob@example.com")
        _ = try await office.people.lock("ann@example.com", why: nil, by: owner.permit())
        for machine in machines { #expect(try await lock(of: machine) != nil) }
        #expect(try await lock(of: other) == nil)
        let listed = try await office.fleet.agents(for: owner.permit())
        #expect(Set(listed.filter(\.isUserLocked).map(\.agentID)) == Set(machines.map(\.id)))
        _ = try await office.people.unlock("ann@example.com", by: owner.permit())
        for machine in machines { #expect(try await lock(of: machine) == nil) }
    }

    @Test(
        "What goes back to a locked machine opens nothing, also what was made before, and its records are still taken"
    )
    func everythingOfIt() async throws {
        let (people, owner) = (office.people, try await owner())
        let stolen = try await office.machine("ann@example.com", .admin)
        let thief = try await office.caller(stolen)
        let token = try await people.addToken("t", scopes: [.admin], seconds: 3600, by: thief.permit())
        let script = try await people.caller(token: token.secret)
        let invitations = [
            try await people.invite(mallory, role: .admin, seconds: 3600, by: thief.permit()),
            try await people.invite(mallory, role: .admin, seconds: 3600, by: script.permit()),
        ]
        _ = try await office.fleet.lock(stolen.id, why: nil, by: owner.permit())

        // Who was proven just before changes nothing any more.
        for late in [thief, script] {
            #expect(
                await code { try await people.invite(mallory, role: .member, seconds: 60, by: late.permit()) }
                    == "locked"
            )
            #expect(await code { try await office.fleet.unlock(stolen.id, by: late.permit()) } == "locked")
        }
        for caller in [try await office.caller(stolen), try await people.caller(token: token.secret)] {
            for right in Right.allCases { #expect(await code { try caller.require(right) } == "locked") }
        }
        for invitation in invitations {
            #expect(await code { try await office.enrol(invitation.token.proof) } == "token_spent")
        }
        // It asks, and tells, for itself.
        let machine = try await office.caller(stolen).machine()
        try await office.fleet.take(HealthReport(servers: []), from: machine)

        _ = try await office.fleet.unlock(stolen.id, by: owner.permit())
        _ = try await office.caller(stolen).permit() as Permit<Right.Invite>
        _ = try await office.enrol(invitations[0].token.proof)
    }

    @Test("It is not put on or taken off by somebody below, and nobody shuts themselves out")
    func rights() async throws {
        let owner = try await owner()
        let admins = try await office.machine("adam@example.com", .admin)
        let admin = try await office.caller(admins)
        let owners = try #require(try await office.fleet.agents(for: owner.permit()).first { $0.user == owner.email })
        let (fleet, people) = (office.fleet, office.people)
        #expect(await code { try await fleet.lock(owners.agentID, why: nil, by: admin.permit()) } == "role_needed")
        #expect(await code { try await people.lock(owner.sub, why: nil, by: admin.permit()) } == "role_needed")
        #expect(await code { try await people.lock(owner.sub, why: nil, by: owner.permit()) } == "own_lock")
        #expect(await code { try await fleet.lock(admins.id, why: nil, by: admin.permit()) } == "own_lock")
        let token = try await people.addToken("t", scopes: [.admin], seconds: 60, by: admin.permit())
        let script = try await people.caller(token: token.secret)
        #expect(await code { try await fleet.lock(admins.id, why: nil, by: script.permit()) } == "own_lock")
        #expect(await code { try await fleet.lock("a-nobody", why: nil, by: owner.permit()) } == "unknown_agent")
        for why in ["", "two\nlines", String(repeating: "x", count: 201)] {
            #expect(await code { try await fleet.lock(admins.id, why: why, by: owner.permit()) } == "invalid_request")
        }
    }

    @Test("Each is stated once, with why, and can be read")
    func stated() async throws {
        let owner = try await owner()
        let machine = try await office.machine("ann@example.com")
        for _ in 0..<2 { _ = try await office.fleet.lock(machine.id, why: "lost", by: owner.permit()) }
        for _ in 0..<2 { _ = try await office.fleet.unlock(machine.id, by: owner.permit()) }
        var filter = ChangeLog.Filter()
        filter.what = "agents/\(machine.id)"
        let log = ChangeLog(database: office.database, log: office.log)
        let changes = try await log.changes(filter, .all, for: owner.permit()).items
        #expect(changes.map(\.what) == ["agents/\(machine.id)/lock", "agents/\(machine.id)/lock"])
        #expect(changes.map { $0.after == nil } == [true, false])
        #expect(changes[1].json["after"]?["document"]?["why"] == "lost")
        #expect(changes[0].user == owner.email)
    }

    @Test("A machine is online while it asks, silent when it stops without a word, and ended when it says so")
    func presence() async throws {
        let (fleet, owner) = (office.fleet, try await owner())
        let machine = try await office.machine("ann@example.com")
        func presence() async throws -> AgentSummary.Presence {
            try await fleet.agent(machine.id, for: owner.permit()).presence
        }
        #expect(try await presence() == .online)
        office.pass(AgentSummary.silence + 1)
        #expect(try await presence() == .silent)
        try await fleet.take(
            HealthReport(servers: [], isEnding: true),
            from: try await office.caller(machine).machine()
        )
        #expect(try await presence() == .ended)
        office.pass(86_400)
        #expect(try await presence() == .ended)
        let report = HealthReport(servers: [], pendingRecords: 7, clockAhead: -3)
        try await fleet.take(report, from: try await office.caller(machine).machine())
        #expect(try await presence() == .online)
        let shown = try await fleet.agent(machine.id, for: owner.permit()).json
        #expect(shown["pending_records"] == 7 && shown["clock_ahead_s"] == -3)
        for state in AgentSummary.Presence.allCases {
            var filter = Fleet.Filter()
            filter.presence = state
            let found = try await fleet.agents(filter, .all, for: owner.permit()).items
            #expect(found.allSatisfy { $0.presence == state })
            #expect(found.contains { $0.agentID == machine.id } == (state == .online))
        }
    }
}
