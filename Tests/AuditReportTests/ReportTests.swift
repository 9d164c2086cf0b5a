import AuditLog
import AuditReport
import Bytes
import Errors
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("Reports")
struct ReportTests {
    @Test("A report of several agents verifies, with all that it proves")
    func usual() throws {
        let world = try ReportWorld.usual()
        let verdict = world.verify(try world.report(bundles: [2]))
        #expect(verdict.failure == nil)
        #expect(verdict.isOK)
        #expect(verdict.records == SampleRecords.bodies.count + 20)
        #expect(verdict.proven.count == 5)
        #expect(!verdict.notProven.contains { $0.contains("complete") })
        let json = verdict.json
        #expect(json["ok"] == true)
        #expect(json["records"]?.int == verdict.records)
        #expect(json["failure"] == .null)
    }

    @Test("A report without records verifies")
    func empty() throws {
        let world = try ReportWorld.usual()
        let report = try world.report { _, _ in false }
        #expect(report.files.keys.sorted() == ["SUMMARY.txt", "org.checkpoint", "policy.tlog", "records.jsonl"])
        let verdict = world.verify(report)
        #expect(verdict.isOK)
        #expect(verdict.records == 0)
    }

    @Test("Without a key everything is checked, and it is unknown whose report it is")
    func unrooted() throws {
        let world = try ReportWorld.small()
        var report = try world.report()
        let verdict = ReportVerifier.verify(report, signedBy: nil)
        #expect(!verdict.isOK)
        #expect(verdict.failure == nil)
        #expect(!verdict.proven.isEmpty)
        #expect(verdict.notProven.contains { $0.contains(world.coordinator.publicKey.fingerprint) })
        report.files["records.jsonl"]?[20] ^= 1
        #expect(ReportVerifier.verify(report, signedBy: nil).failure != nil)
    }

    @Test("Another coordinator's report is told by its key")
    func foreign() throws {
        let report = try ReportWorld.small().report()
        let verdict = try ReportWorld(seed: 9).verify(report)
        #expect(!verdict.isOK)
        #expect(verdict.failure?.place == "policy.tlog")
        #expect(verdict.json["failure"]?["where"] == "policy.tlog")
    }

    @Test(
        "Any stretch of any log verifies, in trees of every shape",
        arguments: [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33]
    )
    func shapes(size: Int) throws {
        var world = try ReportWorld()
        for _ in 0..<size % 7 { world.log(.adminChange(.init(who: "u-1", what: "x", before: nil, after: nil))) }
        try world.enrol("a-1", user: "ann@example.com", seed: 2)
        for _ in 0..<size { world.record(0, .agentHeartbeat(calls: 0, notifications: 0, pings: 0)) }
        try world.upload(0)
        for first in 0..<size {
            for last in Set([first, first + 1, (first + size) / 2, size - 1]) where last >= first && last < size {
                let verdict = world.verify(try world.report { _, number in (first...last).contains(number) })
                #expect(verdict.isOK, "\(first)...\(last) of \(size): \(verdict)")
                #expect(verdict.records == last - first + 1)
            }
        }
    }

    @Test("A selection verifies, and says that its completeness is unknown")
    func selection() throws {
        let world = try ReportWorld.usual()
        var selection = ReportSelection.all
        selection.server = "jira"
        let shown = [0, 1, 6, 7, 12, 13]
        let jira = try world.report(selection) { agent, number in agent == 1 && shown.contains(number) }
        let verdict = world.verify(jira)
        #expect(verdict.isOK)
        #expect(verdict.records == 6)
        #expect(verdict.notProven.contains { $0.contains("complete") })
        #expect(!verdict.proven.contains { $0.contains("missing") })

        selection.server = nil
        selection.user = "bob@example.com"
        let bob = world.verify(try world.report(selection) { agent, _ in agent == 1 })
        #expect(bob.isOK)
        #expect(bob.notProven.contains { $0.contains("complete") })
    }

    @Test("What does not belong to the selection is found")
    func falseSelection() throws {
        let world = try ReportWorld.usual()
        var selection = ReportSelection.all
        selection.server = "jira"
        #expect(world.verify(try world.report(selection) { $0 == 1 && $1 < 4 }).failure?.place == "records.jsonl:3")
        #expect(world.verify(try world.report(selection) { $0 == 1 && $1 == 18 }).failure?.place == "records.jsonl:1")
        selection.server = nil
        selection.user = "ann@example.com"
        #expect(world.verify(try world.report(selection) { $0 == 1 && $1 < 4 }).failure?.place == "keys/a-bbbb.json")
        #expect(
            world.verify(try world.report(selection) { agent, _ in agent == 2 }).failure?.place == "keys/a-cccc.json"
        )
    }

    @Test("The first and the last record of an agent fall into the time, whatever the clock did in between")
    func times() throws {
        var world = try ReportWorld()
        try world.enrol("a-1", user: nil, seed: 2)
        for time in [5, 10, 3, 90, 19, 20] as [Int64] { world.record(0, .agentStop(why: "x"), at: time) }
        try world.upload(0)
        let selection = ReportSelection(from: 10, to: 20)
        func failure(_ shown: ClosedRange<Int>) throws -> String? {
            world.verify(try world.report(selection) { shown.contains($1) }).failure?.place
        }
        #expect(try failure(1...4) == nil)
        #expect(try failure(0...4) == "records.jsonl:1")
        #expect(try failure(1...5) == "records.jsonl:5")
        #expect(try failure(1...3) == "records.jsonl:3")
        #expect(try failure(2...4) == "records.jsonl:1")
        #expect(try failure(1...1) == nil)
    }

    @Test("A gap in the numbers is found, also where a proof holds for what is there")
    func gap() throws {
        let world = try ReportWorld.usual()
        let report = try world.report { agent, number in agent == 1 && number != 5 }
        let failure = try #require(world.verify(report).failure)
        #expect(failure.place == "records.jsonl:6")
        #expect(failure.why.contains("missing"))
    }

    @Test("Policies that no leaf shows are named as not proven")
    func policies() throws {
        let world = try ReportWorld.small()
        let without = world.verify(try world.report())
        #expect(without.isOK)
        #expect(without.notProven.contains { $0.contains("1 versions of the policy") })
        let with = world.verify(try world.report(bundles: [2]))
        #expect(with.isOK)
        #expect(!with.notProven.contains { $0.contains("versions of the policy") })
    }

    @Test("A key that was revoked before its last state was logged, or enrolled after it, is refused")
    func orders() throws {
        var world = try ReportWorld.small()
        world.revoke(0)
        #expect(world.verify(try world.report()).isOK)
        try world.upload(0)
        #expect(world.verify(try world.report()).failure?.place == "keys/a-aaaa.revoke.tlog-proof")

        var late = try ReportWorld.small()
        let again = late.log(late.leaves[late.agents[0].enrolled].body)
        late.agents[0].enrolled = again
        #expect(late.verify(try late.report()).failure?.place == "agents/a-aaaa.tlog-proof")
    }

    @Test("A leaf that says something else than its file should is refused")
    func wrongLeaves() throws {
        let world = try ReportWorld.usual()
        func place(_ change: (inout ReportAgent) -> Void) throws -> String? {
            world.verify(try world.report(shows: { agent, _ in agent == 0 }, change: change)).failure?.place
        }
        let other = try world.logged(world.agents[1].enrolled)
        let policy = try world.logged(2)
        let revocation = try world.logged(#require(world.agents[2].revoked))
        let checkpoint = try world.logged(#require(world.agents[1].checkpoint?.index))
        let first = try world.logged(0)
        #expect(try place { $0.enrolment = other } == "keys/a-aaaa.enrol.tlog-proof")
        #expect(try place { $0.enrolment = policy } == "keys/a-aaaa.enrol.tlog-proof")
        #expect(try place { $0.logged = checkpoint } == "agents/a-aaaa.tlog-proof")
        #expect(try place { $0.logged = first } == "agents/a-aaaa.tlog-proof")
        #expect(try place { $0.revocation = revocation } == "keys/a-aaaa.revoke.tlog-proof")
        #expect(try place { $0.sub = "u-3" } == "keys/a-aaaa.enrol.tlog-proof")
        let publicKey = world.agents[1].key.publicKey
        #expect(try place { $0.publicKey = publicKey } == "keys/a-aaaa.enrol.tlog-proof")
    }

    @Test("A state of an agent's log without both signatures, or with others', is refused")
    func signatures() throws {
        var world = try ReportWorld.small()
        let (note, index) = try #require(world.agents[0].checkpoint)
        func place() throws -> String? { world.verify(try world.report()).failure?.place }
        let bare = try Checkpoint(parsing: note.text).signed(by: world.agents[0].key)
        world.agents[0].checkpoint = (bare, index)
        #expect(try place() == "agents/a-aaaa.checkpoint")
        let stranger = try ReportWorld.key(77)
        world.agents[0].checkpoint = (
            bare.adding(try bare.cosignature(name: world.names.audit, key: stranger, time: 1)), index
        )
        #expect(try place() == "agents/a-aaaa.checkpoint")
        world.agents[0].checkpoint = (
            bare.adding(try bare.cosignature(name: world.names.bundle, key: world.coordinator, time: 1)), index
        )
        #expect(try place() == "agents/a-aaaa.checkpoint")
        let forged = try Checkpoint(parsing: note.text).signed(by: stranger)
        world.agents[0].checkpoint = (
            forged.adding(try forged.cosignature(name: world.names.audit, key: world.coordinator, time: 1)), index
        )
        #expect(try place() == "agents/a-aaaa.checkpoint")
        // One more witness does no harm: lines of others are ignored.
        world.agents[0].checkpoint = (
            note.adding(try note.cosignature(name: "witness.example.org", key: stranger, time: 1)), index
        )
        #expect(try place() == nil)
    }

    @Test("A record of another agent, key or person in the log is refused")
    func foreignRecords() throws {
        for (member, value) in [("agent", "a-zzzz"), ("key", SigningKey().publicKey.fingerprint), ("sub", "u-9")] {
            var world = try ReportWorld.small()
            var object = try #require(try JSONValue(canonical: world.agents[0].records[2]).object)
            object["seq"] = 4
            object[JSONText(member)] = .text(value)
            world.append(0, try JSONValue.object(object).canonicalBytes())
            try world.upload(0)
            #expect(world.verify(try world.report()).failure?.place == "records.jsonl:5")
        }
    }

    @Test("A record whose number is not its place in the log is refused")
    func wrongNumber() throws {
        var world = try ReportWorld.small()
        var bytes: [UInt8] = []
        world.agents[0].writer.write(
            .agentStop(why: "x"),
            seq: 7,
            at: RecordTime(wall: ReportWorld.start, mono: 0),
            to: &bytes
        )
        world.append(0, bytes)
        try world.upload(0)
        #expect(world.verify(try world.report()).failure?.place == "records.jsonl:5")
    }

    @Test("What would not verify is not written")
    func unwritable() throws {
        let world = try ReportWorld.small()
        let agent = world.agents[0]
        #expect(throws: ReportError(.content, "")) {
            try world.report(ReportSelection(from: 2, to: 1))
        }
        #expect(throws: ReportError(.content, "")) {
            try world.report(ReportSelection(from: 0, to: 1, user: "ann\nrecords 7"))
        }
        #expect(throws: ReportError(.content, "")) {
            try world.report(change: { $0.agent = "a-bbbb" })
        }
        let enrolment = try world.logged(agent.enrolled)
        let off = LoggedLeaf(leaf: enrolment.leaf, index: enrolment.index + 1, path: enrolment.path)
        #expect(throws: ReportError(.content, "")) { try world.report(change: { $0.enrolment = off }) }
        var other = world
        other.agents[0].records[1][30] ^= 1
        #expect(throws: ReportError(.content, "")) { try other.report() }
        #expect(throws: ReportError(.content, "")) {
            try ReportWriter(
                selection: .all,
                made: 0,
                names: LogNames(host: "other.example.com"),
                key: world.coordinator,
                org: try world.orgNote()
            )
        }
    }

    @Test("A cover of more hashes than its records can need is refused unread, signed or not")
    func longCover() throws {
        let world = try ReportWorld.small()
        let report = try world.report()
        let path = try #require(report.files.keys.first { $0.hasSuffix(".cover") })
        var long = report
        long.files[path]? += Array(repeating: Array("\(Hash.empty.base64)\n".utf8), count: 10_000).joined()
        let source = LimitedReads(report: try world.resigned(long), path: path)
        let verdict = ReportVerifier.verify(source, signedBy: world.coordinator.publicKey.fingerprint)
        #expect(verdict.failure?.place == path)
        #expect(verdict.failure?.why == "is too large")
        #expect(verdict.records == 0)
    }
}

/// A report of which one file must not be read beyond what its records can need.
private struct LimitedReads: ReportSource {
    let report: ReportInMemory
    let path: String

    func paths() -> [String] { report.paths() }

    func read(_ path: String, atMost limit: Int) throws(ReportFailure) -> [UInt8] {
        if path == self.path { #expect(limit < 100_000) }
        return try report.read(path, atMost: limit)
    }

    func scan(
        _ path: String,
        _ body: (UnsafeBufferPointer<UInt8>) throws(ReportFailure) -> Void
    ) throws(ReportFailure) {
        try report.scan(path, body)
    }
}
