import AuditLog
import AuditSink
import Contract
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("Uploads that are not what they seem")
struct ForgedUploadTests {
    /// A sink with ten records of one agent, who has ten more.
    private func begin() async throws -> (Sink, SinkAgent) {
        let sink = try Sink()
        var agent = try await sink.enrol("ann")
        agent.record(20)
        _ = try await sink.intake.take(try agent.upload(from: 0, to: 10), from: agent.id)
        return (sink, agent)
    }

    /// What becomes of an upload that must change nothing.
    private func refused(_ body: [UInt8], _ sink: Sink, _ agent: SinkAgent) async throws -> String? {
        let problem = await refusal { try await sink.intake.take(body, from: agent.id) }
        #expect(try await sink.count("agent_batch") == 1)
        #expect(try await sink.count("agent_fork") == 0)
        #expect(try await sink.count("org_leaf") == 2)
        return problem?.code
    }

    private func upload(_ note: Note, _ records: some Sequence<[UInt8]>) -> [UInt8] {
        LogUpload(old: 10, note: note.bytes, records: records.map { $0[...] }).bytes
    }

    @Test("A checkpoint of another key, of another log or with further signatures is refused")
    func notes() async throws {
        let (sink, agent) = try await begin()
        defer { sink.remove() }
        let records = agent.records[10...]
        let right = try agent.checkpoint(20)
        let otherKey = try right.signed(by: SigningKey())
        let coordinators = try right.signed(by: sink.key.signing)
        let otherLog = try Checkpoint(origin: agent.origin + "x", size: 20, root: right.root).signed(by: agent.key)
        let orgLog = try Checkpoint(origin: sink.key.names.audit, size: 20, root: right.root).signed(by: agent.key)
        let otherName = try Note.sign(right.text, name: "w", key: agent.key)
        let extra = try right.signed(by: agent.key).adding(otherName.signatures[0])
        let cosigned = try right.signed(by: agent.key)
        let ownWitness = cosigned.adding(try cosigned.cosignature(name: sink.key.names.audit, key: agent.key, time: 1))
        for note in [otherKey, coordinators, otherLog, orgLog, otherName, extra, ownWitness] {
            #expect(try await refused(upload(note, records), sink, agent) == "bad_checkpoint")
        }
        // Told before anything of the records is looked at.
        #expect(try await refused(upload(otherKey, [[], []]), sink, agent) == "bad_checkpoint")
        // Another text under a signature that was good.
        var forged = upload(try right.signed(by: agent.key), records)
        let place = try #require(forged.firstRange(of: Array("\n20\n".utf8)))
        forged.replaceSubrange(place, with: Array("\n21\n".utf8))
        #expect(try await refused(forged, sink, agent) == "bad_checkpoint")
    }

    @Test("A body that is no upload, or whose numbers do not agree, is refused")
    func bodies() async throws {
        let (sink, agent) = try await begin()
        defer { sink.remove() }
        let good = try agent.upload(from: 10)
        let note = try agent.checkpoint(20).signed(by: agent.key)
        let text = try Note.sign(Array("\(agent.origin)\nhello\n".utf8), name: agent.origin, key: agent.key)
        let bodies: [[UInt8]] = [
            [], Array("old 10\n".utf8), Array(good.dropLast()), Array("old 010".utf8) + good.dropFirst(6),
            good + [0x0A], upload(note, agent.records[10..<19]), upload(note, agent.records[9...]),
            upload(note, []), upload(text, agent.records[10...]), Array("old -1".utf8) + good.dropFirst(6),
        ]
        for body in bodies { #expect(try await refused(body, sink, agent) == "malformed_upload") }
        let empty = try Checkpoint(origin: agent.origin, size: 0, root: .empty).signed(by: agent.key)
        let nothing = LogUpload(old: 0, note: empty.bytes, records: []).bytes
        #expect(try await refused(nothing, sink, agent) == "malformed_upload")
    }

    @Test(
        "No name carries free text into a log that cannot be changed",
        arguments: ["\u{9B}31mgithub", "\u{202E}buhtig", "ask ann@example.com", ""]
    )
    func names(_ name: String) async throws {
        let (sink, agent) = try await begin()
        defer { sink.remove() }
        var forger = agent
        forger.deny(server: "github")
        let written = String(decoding: try #require(forger.records.last), as: UTF8.self)
        forger.rollBack(to: 20)
        forger.add(Array(written.replacing("\"srv\":\"github\"", with: "\"srv\":\"\(name)\"").utf8))
        #expect(try await refused(try forger.upload(from: 10), sink, agent) == "bad_record")
        forger.rollBack(to: 20)
        forger.deny(server: name)
        let receipt = try await sink.intake.take(try forger.upload(from: 10), from: agent.id)
        #expect(receipt.size == 21)
    }

    @Test(
        "A record that no verifier would take is refused with its number, and poisons nothing",
        arguments: [
            ("\"v\":1}", "\"v\":2}"), ("\"v\":1}", "\"v\":1,\"w\":1}"), ("\"v\":1}", "\"v\":1 }"),
            ("{\"agent\"", "{ \"agent\""),
            ("\"pings\":0", "\"pings\":0.0"), ("\"pings\":0", "\"pings\":-1"), ("\"pings\":0,", ""),
            ("\"kind\":\"agent.heartbeat\"", "\"kind\":\"agent.stop\""), ("\"seq\":15", "\"seq\":16"),
            ("\"seq\":15", "\"seq\":14"), ("\"sub\":\"u-ann\"", "\"sub\":\"u-bob\""),
            ("\"key\":\"SHA256:", "\"key\":\"SHA255:"),
            ("\"agent\":\"a-", "\"agent\":\"b-"), ("\"t\":\"2", "\"t\":\"3"),
        ]
    )
    func records(_ old: String, _ new: String) async throws {
        let (sink, agent) = try await begin()
        defer { sink.remove() }
        var forger = agent
        forger.rollBack(to: 15)
        var line = agent.records[15]
        line.replaceSubrange(try #require(line.firstRange(of: Array(old.utf8))), with: Array(new.utf8))
        forger.add(line)
        for record in agent.records[16...] { forger.add(record) }

        let body = try forger.upload(from: 10)
        let problem = await refusal { try await sink.intake.take(body, from: agent.id) }
        if new == "\"t\":\"3" {
            // The year 3026 is a time like any other: what the agent's clock says is the agent's to say.
            #expect(problem == nil)
        } else {
            #expect(problem?.members["record"]?.int == 15)
            #expect(try await refused(body, sink, agent) == "bad_record")
            // The agent goes on with what is right.
            let receipt = try await sink.intake.take(try agent.upload(from: 10), from: agent.id)
            #expect(receipt.size == 20)
        }
    }

    @Test("Bytes that were changed on the way are refused, whichever they are", arguments: 0..<40)
    func noise(_ seed: Int) async throws {
        let (sink, agent) = try await begin()
        defer { sink.remove() }
        var random = Seeded(seed)
        for _ in 0..<10 {
            var body = try agent.upload(from: 10)
            let place = Int.random(in: 0..<body.count, using: &random)
            // Behind the signed head a change in a value that its form allows makes another record: that is a fork, which
            // the signature of the request keeps everybody but the agent from making.
            let head = try #require(body.firstRange(of: Array("{".utf8))).lowerBound
            guard place < head else { continue }
            body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let code = try await refused(body, sink, agent)
            #expect(["malformed_upload", "bad_checkpoint", "bad_record", "log_conflict"].contains(code))
        }
    }
}
