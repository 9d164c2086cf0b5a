import AuditLog
import AuditSink
import Bytes
import Contract
import Database
import People
import Policy
import PolicyStore
import Registry
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Fleet

private let policy = """
    version: 1
    roles: {dev: {grant: [{server: github}]}, guest: {grant: [{server: docs}]}}
    bind: [{user: ann@example.com, role: dev, clients: [codex]}, {everyone: true, role: guest}]
    forbid: [{server: docs}]

    """

@Suite("What machines are told")
struct SyncTests {
    private let office: Office

    init() throws {
        office = try Office()
    }

    private func apply(_ text: String = policy) async throws -> AppliedPolicy {
        let owner = try await office.caller(try await office.machine("founder@example.com", .owner))
        return try await office.desk.apply(Array(text.utf8), expecting: .anything, by: owner.permit())
    }

    @Test("A new machine learns who its person is, before there is any policy")
    func first() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        try await office.add("github")
        let answer = try #require(try await office.news(machine))
        #expect(answer.bundle == nil)
        let document = try BindingDocument(
            office.document(answer.binding, origin: office.log.key.names.binding)
        )
        #expect(document.agentID == machine.id)
        #expect(document.policyVersion == 0)
        #expect(document.expires == UTCTime(seconds: office.now + 7 * 86_400))
        #expect(try office.binding(answer).user == "ann@example.com")
        #expect(try office.binding(answer).roles.isEmpty)
        #expect(try office.aliases(answer) == ["github"])
        #expect(try await office.news(machine, after: office.state(answer).counter) == nil)
    }

    @Test("A policy comes with who has which role in it")
    func bundle() async throws {
        let machine = try await office.machine("ann@example.com")
        let counter = try office.state(try await office.news(machine)).counter
        let applied = try await apply()
        let answer = try #require(try await office.news(machine, after: counter))
        #expect(try office.state(answer).counter > counter)
        #expect(answer.bundle == applied.note)
        let binding = try office.binding(answer)
        #expect(binding.roles.map(\.role) == ["dev", "guest"])
        #expect(binding.roles.map(\.rule) == ["bind/0", "bind/1"])
        #expect(binding.sub == JSONText(try await office.caller(machine).sub))
        // The agent decides as the file says.
        let snapshot = PolicySnapshot(rules: applied.rules, binding: binding, version: 1, digest: applied.digest)
        #expect(snapshot.decide(client: "codex", server: "github", tool: "x").isAllowed)
        #expect(!snapshot.decide(client: "local", server: "github", tool: "x").isAllowed)
    }

    @Test("When a person has signed in last is told to a machine where a rule asks for it, and nowhere else")
    func signedIn() async throws {
        let machine = try await office.machine("ann@example.com")
        _ = try await apply()
        let plain = try await office.news(machine)
        #expect(try office.binding(plain).signedIn == nil)
        let enrolled = office.now
        _ = try await apply(policy + "require: [{ server: github, recent_login: 8h }]\n")
        let counter = try office.state(plain).counter
        let asked = try #require(try await office.news(machine, after: counter))
        #expect(try office.binding(asked).signedIn == enrolled)
    }

    @Test("A person without a right to the registry learns of no server without a grant")
    func filtered() async throws {
        let (ann, eve) = (try await office.machine("ann@example.com"), try await office.machine("eve@example.com"))
        let auditor = try await office.machine("audit@example.com", .auditor)
        for alias in ["github", "docs", "secret-project"] { try await office.add(alias) }
        #expect(try office.aliases(try await office.news(ann)) == [])
        let before = try office.state(try await office.news(eve)).counter
        _ = try await apply()
        #expect(try office.aliases(try await office.news(ann)) == ["docs", "github"])
        #expect(try office.aliases(try await office.news(auditor)) == ["docs", "github", "secret-project"])
        // The change of the policy alone brings the servers that it opens.
        let answer = try await office.news(eve, after: before)
        #expect(try office.aliases(answer) == ["docs"])
        #expect(answer?.entries?.contains("secret-project") == false)
        _ = try await apply("version: 1\n")
        #expect(try office.aliases(try await office.news(eve, after: before)) == [])
    }

    @Test("Each is told what is new and no more")
    func parts() async throws {
        let (ann, eve) = (try await office.machine("ann@example.com"), try await office.machine("eve@example.com"))
        _ = try await apply()
        let first = try office.state(try await office.news(ann)).counter
        try await office.add("github")
        let entries = try #require(try await office.news(ann, after: first))
        #expect(entries.bundle == nil)
        // Who the person is comes with every answer: it is good for some days from then on.
        #expect(try office.binding(entries).roles.map(\.role) == ["dev", "guest"])
        #expect(try office.aliases(entries) == ["github"])
        // What concerns another person alone is no news.
        try await office.fleet.leave(try await office.caller(eve).machine())
        #expect(try await office.news(ann, after: office.state(entries).counter) == nil)
        // A machine that comes late gets everything.
        let late = try #require(try await office.news(ann))
        #expect(late.bundle != nil && late.binding != nil && late.entries != nil)
    }

    @Test("A second machine of a person raises no other person, and a higher role shows all servers")
    func risen() async throws {
        let machine = try await office.machine("ann@example.com")
        try await office.add("github")
        let first = try #require(try await office.news(machine))
        #expect(try office.aliases(first) == [])
        let second = try await office.machine("ann@example.com", .editor)
        let answer = try await office.news(machine, after: office.state(first).counter)
        #expect(try office.aliases(answer) == ["github"])
        #expect(try office.aliases(try await office.news(second)) == ["github"])
    }

    @Test("The organisation's log that a machine knows is shown to be a beginning of the newest")
    func consistency() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        func checkpoint(_ answer: SyncAnswer) throws -> Checkpoint {
            let note = try Note(parsing: Array(answer.orgCheckpoint.utf8))
            #expect(note.isSigned(name: office.log.key.names.audit, key: office.log.key.publicKey))
            return try Checkpoint(parsing: note.text)
        }
        let first = try #require(try await office.news(machine))
        #expect(first.consistency == nil)
        let old = try checkpoint(first)
        for number in 0..<5 { try await office.add("s\(number)") }
        let answer = try #require(
            try await office.news(machine, after: office.state(first).counter, orgSize: Int(old.size))
        )
        let new = try checkpoint(answer)
        let proof = try #require(answer.consistency).compactMap { Hash($0) }
        #expect(new.size == old.size + 5)
        #expect(MerkleProof.isConsistent(from: (old.size, old.root), to: (new.size, new.root), proof: proof))
        // No coordinator can prove a longer log than it has.
        let ahead = try await office.news(machine, orgSize: Int(new.size) + 1)
        #expect(ahead?.consistency == nil)
    }

    @Test("A machine that knows more than the coordinator is told the coordinator's state at once")
    func setBack() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let newest = try #require(try await office.news(machine))
        let size = try Int(Checkpoint(parsing: Note(parsing: Array(newest.orgCheckpoint.utf8)).text).size)
        // As after the restoring of a backup: a higher counter, a longer log, or both.
        let counter = try office.state(newest).counter
        for (after, orgSize) in [(counter + 1, size), (counter, size + 1), (counter + 5, size + 5)] {
            let answer = try #require(try await office.news(machine, after: after, orgSize: orgSize))
            #expect(try office.state(answer).counter == counter)
            #expect(answer.orgCheckpoint == newest.orgCheckpoint)
            #expect(answer.bundle == nil && answer.binding == nil && answer.entries == nil)
            #expect((answer.consistency == nil) == (orgSize > size))
        }
        #expect(try await office.news(machine, after: counter, orgSize: size) == nil)
    }

    @Test("What an answer leaves out is what the machine has, and the signed state names all of it")
    func digests() async throws {
        let machine = try await office.machine("ann@example.com")
        try await office.add("github")
        let applied = try await apply()
        let full = try #require(try await office.news(machine))
        let state = try office.state(full)
        #expect(state.agentID == machine.id)
        #expect(state.epoch == 0)
        #expect(try state.bundle == office.digest(applied.note))
        #expect(try state.binding == office.digest(full.binding))
        #expect(try state.entries == office.digest(full.entries))
        #expect(try state.org == office.digest(full.orgCheckpoint))
        #expect(state.expires.seconds == office.now + 7 * 86_400)
        let document = try BindingDocument(office.document(full.binding, origin: office.log.key.names.binding))
        #expect(document.policyVersion == applied.version)
        // A later time alone changes no digest of what is not sent again.
        office.pass(60)
        try await office.add("docs")
        let next = try #require(try await office.news(machine, after: state.counter))
        #expect(next.bundle == nil)
        #expect(try office.state(next).bundle == state.bundle)
        #expect(try office.state(next).entries == office.digest(next.entries))
        office.pass(60)
        #expect(try office.state(try await office.news(machine)).entries == office.digest(next.entries))
    }

    @Test(
        "After a restart of the log each machine is told everything, how the log was restarted, and what it had seen is kept"
    )
    func restarted() async throws {
        let machine = try await office.machine("ann@example.com")
        _ = try await apply()
        let before = try #require(try await office.news(machine))
        let old = try #require(office.log.state(note: before.orgCheckpoint.utf8))
        let (log, time) = (office.log, Int64(office.now) * 1_000_000)
        let leaf = try await office.database.write { transaction in
            try log.restart(known: nil, who: "test", why: "why not", at: time, in: transaction)
        }
        let answer = try #require(
            try await office.news(machine, after: office.state(before).counter + 9, orgSize: Int(old.size))
        )
        #expect(try office.state(answer).epoch == leaf.epoch)
        #expect(answer.bundle != nil && answer.binding != nil && answer.entries != nil)
        let restart = try #require(answer.restart)
        #expect(try OrgLeaf(parsing: restart.leaf).body == .logRestart(leaf))
        #expect(restart.index == Int(old.size))
        let head = try #require(log.state(note: answer.orgCheckpoint.utf8))
        #expect(head.origin == log.key.names.audit(epoch: leaf.epoch))
        let proof = try #require(answer.consistency).compactMap { Hash($0) }
        #expect(MerkleProof.isConsistent(from: (old.size, old.root), to: (head.size, head.root), proof: proof))
        // From then on as before: nothing is new, and an old epoch is never asked about again.
        let counter = try office.state(answer).counter
        #expect(try await office.news(machine, after: counter, epoch: leaf.epoch, orgSize: Int(head.size)) == nil)
        #expect(try await office.news(machine, after: counter, epoch: leaf.epoch + 1)?.restart == nil)

        // A state that this log holds needs no leaf; one that it does not hold gets one, once.
        let lost = Checkpoint(origin: old.origin, size: old.size + 7, root: .of([1]))
        let forged = try Note.sign(lost.text, name: lost.origin, key: SigningKey())
        for (note, leaves) in [
            (before.orgCheckpoint, 0), (String(decoding: forged.bytes, as: UTF8.self), 0), ("nonsense", 0),
            (String(decoding: try lost.signed(by: log.key.signing).bytes, as: UTF8.self), 1),
            (String(decoding: try lost.signed(by: log.key.signing).bytes, as: UTF8.self), 1),
        ] {
            _ = try await office.news(machine, after: counter, epoch: leaf.epoch, seen: note)
            let kept = try await office.database.read { view in
                try log.positions(kind: "log.seen", subject: machine.id, in: view)
            }
            #expect(kept.count == leaves)
        }
    }

    @Test("A question is held until something changes for this person", .timeLimit(.minutes(1)))
    func held() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let counter = try office.state(try await office.news(machine)).counter
        let (office, caller) = (office, try await office.caller(machine))
        let question = SyncQuestion(after: counter)
        let start = ContinuousClock.now
        #expect(try await office.fleet.news(question, for: caller.machine(), hold: .milliseconds(50)) == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(50))

        async let answer = office.fleet.news(question, for: caller.machine(), hold: .seconds(50))
        // Another person's machine rings the bell, and the question stays open.
        _ = try await office.machine("eve@example.com", .owner)
        try await office.add("github")
        #expect(try await office.aliases(answer) == ["github"])
    }

    @Test("A machine that leaves while its question is held is told at once", .timeLimit(.minutes(1)))
    func leaving() async throws {
        let machine = try await office.machine("ann@example.com", .owner)
        let counter = try office.state(try await office.news(machine)).counter
        let (office, caller) = (office, try await office.caller(machine))
        let waiting = Task {
            await code {
                try await office.fleet.news(SyncQuestion(after: counter), for: caller.machine(), hold: .seconds(50))
            }
        }
        try await office.fleet.leave(caller.machine())
        #expect(await waiting.value == "revoked_key")
    }

    @Test("Half-way to its end a bundle comes again with a new binding")
    func renewal() async throws {
        let machine = try await office.machine("ann@example.com")
        let applied = try await apply()
        let first = try #require(try await office.news(machine))
        office.pass(4 * 86_400)
        #expect(try await office.desk.renewIfDue())
        let answer = try #require(try await office.news(machine, after: office.state(first).counter))
        #expect(answer.bundle != nil && answer.bundle != applied.note)
        let document = try BindingDocument(office.document(answer.binding, origin: office.log.key.names.binding))
        #expect(document.expires == UTCTime(seconds: office.now + 7 * 86_400))
    }

    @Test("A token is no machine, and gets no news")
    func token() async throws {
        let proof = Caller.Proof.token(id: "t", scopes: [.admin], expires: .max)
        let caller = Caller(sub: "p", email: "a@b", role: .owner, proof: proof, isLocked: false)
        #expect(
            await code { try await office.fleet.news(SyncQuestion(after: 0), for: caller.machine()) }
                == "machine_needed"
        )
        #expect(await code { try await office.fleet.leave(caller.machine()) } == "machine_needed")
    }
}
