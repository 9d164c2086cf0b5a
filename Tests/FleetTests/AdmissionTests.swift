import AuditLog
import AuditSink
import Contract
import Database
import People
import Rights
import StrictJSON
import ServiceKit
import Testing
import TransparencyLog

@testable import Fleet

@Suite("Signed requests of machines")
struct AdmissionTests {
    private let office: Office

    init() throws {
        office = try Office()
    }

    @Test("A signature opens once, for ten at a time, after a restart, and until it is too old anyway")
    func replay() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let head = try machine.sign("GET", "/v1/servers", at: office.now)
        let fleet = office.fleet
        let codes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<10 { group.addTask { await code { try await fleet.admit(head) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count(where: { $0 == nil }) == 1)
        #expect(codes.count(where: { $0 == "replayed" }) == 9)
        let again = try office.reopened()
        #expect(await code { try await again.fleet.admit(head) } == "replayed")
        again.pass(60)
        #expect(await code { try await again.fleet.admit(head) } == "replayed")
        again.pass(1)
        #expect(await code { try await again.fleet.admit(head) } == "expired")
        // A clock that is set back does not make an old signature a new one.
        again.pass(400)
        _ = try await again.caller(machine)
        again.pass(-430)
        #expect(await code { try await again.fleet.admit(head) } == "replayed")
    }

    @Test("Nonces do not stay for ever")
    func purge() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        for _ in 0..<20 { _ = try await office.caller(machine) }
        office.pass(3600)
        _ = try await office.caller(machine)
        let count = try await office.database.read { view in
            try view.first("SELECT COUNT(*) AS n FROM nonce")?.integer("n")
        }
        #expect(count == 1)
    }

    @Test("What is altered, stale, foreign or not signed is refused with its word")
    func refusals() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let now = office.now
        var altered = try machine.sign("GET", "/v1/servers", query: "a=1", at: now)
        altered.query = "a=2"
        var method = try machine.sign("GET", "/v1/servers", at: now)
        method.method = "DELETE"
        var twice = try machine.sign("GET", "/v1/servers", at: now)
        twice.signature += twice.signature
        var unsigned = try machine.sign("GET", "/v1/servers", at: now)
        unsigned.signature = []
        unsigned.signatureInput = []
        let cases: [(SignedHead, String)] = [
            (altered, "bad_signature"), (method, "bad_signature"), (twice, "bad_signature"), (unsigned, "unsigned"),
            (try machine.sign("GET", "/v1/servers", at: now).at("/v1/tokens"), "bad_signature"),
            (try machine.sign("GET", "/v1/servers", audience: "x/audit", at: now), "wrong_audience"),
            (try machine.sign("GET", "/v1/servers", at: now - 61), "expired"),
            (try machine.sign("GET", "/v1/servers", at: now + 61), "not_yet_valid"),
            (try Machine().sign("GET", "/v1/servers", at: now), "unknown_key"),
        ]
        for (head, word) in cases {
            #expect(await code { try await office.fleet.admit(head) } == word)
        }
        // The clocks may differ by a minute.
        #expect(await code { try await office.fleet.admit(machine.sign("GET", "/", at: now - 60)) } == nil)
        #expect(await code { try await office.fleet.admit(machine.sign("GET", "/", at: now + 60)) } == nil)
    }

    @Test("A refused signature spends no nonce, and the body is compared with what was signed")
    func order() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let good = try machine.sign("POST", "/v1/servers", body: [1, 2], at: office.now)
        var forged = good
        forged.path = "/v1/tokens"
        #expect(await code { try await office.fleet.admit(forged) } == "bad_signature")
        let admission = try await office.fleet.admit(good)
        #expect(throws: SignatureRefusal.badDigest) { try admission.claim.checkBody([1, 3]) }
        #expect(throws: Never.self) { try admission.claim.checkBody([1, 2]) }
    }

    @Test("A machine that left is refused, whatever it signs, and its leaving is in the log")
    func left() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let caller = try await office.caller(machine)
        try await office.fleet.leave(caller.machine())
        #expect(await code { try await office.caller(machine) } == "revoked_key")
        #expect(await code { try await office.fleet.leave(caller.machine()) } == "revoked_key")
        // Who only knows its key's name learns nothing of it.
        var forged = try machine.sign("GET", "/", at: office.now)
        forged.path = "/x"
        #expect(await code { try await office.fleet.admit(forged) } == "bad_signature")
        let leaf = try await office.database.read { view in
            try view.first("SELECT subject FROM org_leaf WHERE kind = 'key.revoke'")?.text("subject")
        }
        #expect(leaf == machine.id)
    }

    @Test("A lost machine's key is taken away by an administrator, once, and both leaves say so")
    func revoked() async throws {
        let owner = try await office.caller(try await office.machine("founder@example.com", .owner))
        let admin = try await office.caller(try await office.machine("adam@example.com", .admin))
        let lost = try await office.machine("ann@example.com", .editor)
        let (waiting, fleet) = (try await office.caller(lost), office.fleet)
        let counter = try office.state(try await office.news(lost)).counter
        let held = Task { await code { try await fleet.news(SyncQuestion(after: counter), for: waiting.machine()) } }

        #expect(await code { try await fleet.revoke(lost.id, by: waiting.permit()) } == "role_needed")
        #expect(await code { try await fleet.revoke("a-nobody", by: admin.permit()) } == "unknown_agent")
        let shown = try await fleet.revoke(lost.id, by: admin.permit()).0
        #expect(shown.agentID == lost.id && shown.user == "ann@example.com" && shown.revokedWhy == "revoked")
        #expect(await held.value == "revoked_key")
        #expect(await code { try await office.caller(lost) } == "revoked_key")
        let (again, ended) = try await fleet.revoke(lost.id, by: owner.permit())
        #expect(again == shown && ended == Ended())

        let bodies = try await office.database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { row in
                try OrgLeaf(parsing: row.blob("leaf")).body
            }
        }
        let key = lost.key.publicKey.fingerprint
        #expect(bodies.suffix(2).first == .keyRevoke(agent: JSONText(lost.id), key: key, why: "revoked"))
        guard case .adminChange(let change)? = bodies.last else {
            Issue.record("nothing says who did it")
            return
        }
        #expect(change.who == JSONText(admin.sub) && change.what == JSONText("agents/\(lost.id)"))
        #expect(change.before != nil && change.after == nil)
    }

    @Test("An administrator cannot revoke the machine of a person with a higher role")
    func above() async throws {
        let admin = try await office.caller(try await office.machine("adam@example.com", .admin))
        let peer = try await office.machine("eve@example.com", .admin)
        let owners = try await office.machine("boss@example.com", .owner)
        #expect(await code { try await office.fleet.revoke(owners.id, by: admin.permit()) } == "role_needed")
        #expect(await code { try await office.fleet.revoke(peer.id, by: admin.permit()) } == nil)
        #expect(await code { try await office.caller(owners) } == nil)
    }

    @Test("Machines are listed with what they say of themselves, for those who may look")
    func list() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let caller = try await office.caller(machine)
        office.pass(100)
        let question = SyncQuestion(after: 0, policyVersion: 7, release: "2.0.0")
        _ = try await office.fleet.news(question, for: try await office.caller(machine).machine(), hold: .zero)
        // No caller waits for it to be stored; what is written behind it is.
        try await office.database.write { _ in }
        let agent = try #require(try await office.fleet.agents(for: caller.permit()).first)
        #expect(agent.agentID == machine.id)
        #expect(agent.user == "ann@example.com")
        #expect(agent.version == "2.0.0")
        #expect(agent.policyVersion == 7)
        #expect(agent.custody == "keyring")
        #expect(agent.lastSeen == office.now)
        let before = office.revisions.changes.version
        let odd = SyncQuestion(after: 0, policyVersion: -1, release: "a\u{1B}b")
        _ = try await office.fleet.news(odd, for: caller.machine(), hold: .zero)
        #expect(try await office.fleet.agents(for: caller.permit()) == [agent])
        #expect(office.revisions.changes.version == before)
        let member = try await office.caller(try await office.machine("eve@example.com"))
        #expect(await code { try await office.fleet.agents(for: member.permit()) } == "role_needed")
    }
}
