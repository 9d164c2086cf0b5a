import AuditLog
import Bytes
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("Record writer")
struct RecordWriterTests {
    private typealias Sample = SampleRecords

    @Test("Every kind is written in the canonical form, within its limits", arguments: SampleRecords.all.indices)
    func canonical(index: Int) throws {
        var writer = Sample.writer()
        var bytes: [UInt8] = []
        writer.write(Sample.all[index], seq: 5, at: Sample.time, to: &bytes)
        let value = try JSONValue(canonical: bytes, limits: .record)
        #expect(value["agent"]?.string == Sample.agent)
        #expect(value["seq"] == 5)
        #expect(value["t"] == "2026-11-22T11:15:50.123456Z")
        #expect(value["mono_us"] == 987_654_321)
        #expect(value["v"] == 1)
        #expect(value["salt"]?.text?.count == 22)
    }

    @Test("A call's records have the members of the contract")
    func members() throws {
        var writer = Sample.writer()
        var bytes: [UInt8] = []
        writer.write(.callDeny(Sample.facts(), Sample.limited), seq: 0, at: Sample.time, to: &bytes)
        let deny = try JSONValue(canonical: bytes)
        #expect(deny["kind"] == "call.deny")
        #expect(deny["client"] == ["id": "claude-code", "how": "token"])
        #expect(deny["call"] == "ffffffffffffffff0000000000000abc")
        #expect(deny["tool"] == "get_issue")
        #expect(
            deny["dec"] == [
                "is": "deny", "reason": "limited", "rules": ["limits/0"], "policy": 3,
                "digest": .string(Sample.digest), "limiter": "limits/0",
            ]
        )
        bytes = []
        let outcome = Outcome(.toolError, milliseconds: 12, bytesIn: 300, bytesOut: 4)
        writer.write(.callEnd(Sample.facts(), outcome), seq: 1, at: Sample.time, to: &bytes)
        let end = try JSONValue(canonical: bytes)
        #expect(end["out"] == ["is": "tool_error", "ms": 12, "bytes_in": 300, "bytes_out": 4])
        bytes = []
        writer.write(.callBegin(Sample.facts(), Sample.observed, credential: nil), seq: 2, at: Sample.time, to: &bytes)
        #expect(
            try JSONValue(canonical: bytes)["dec"] == [
                "is": "allow", "reason": "observed", "observed": "no_grant", "rules": [], "policy": 3,
                "digest": .string(Sample.digest),
            ]
        )
    }

    @Test("No name of a stranger, however long, makes a record too large")
    func bounded() throws {
        let long = JSONText(utf8: Array(repeating: 1, count: 100_000))
        let facts = Sample.facts(.tool(long), named: long)
        let decision = EncodedDecision(
            isAllowed: false,
            reason: "limited",
            rules: Array(repeating: JSONText(utf8: Array(repeating: 1, count: 40)), count: 1000),
            policy: 3,
            digest: Sample.digest,
            limiter: "limits/0"
        )
        var bytes: [UInt8] = []
        var writer = Sample.writer()
        writer.write(.callDeny(facts, decision), seq: 1 << 53 - 1, at: RecordTime(wall: .max, mono: .max), to: &bytes)
        let value = try JSONValue(canonical: bytes, limits: .record)
        #expect(value["tool"]?.text?.hasPrefix("sha256:") == true)
        #expect(value["t"] == "9999-12-31T23:59:59.999999Z")
        #expect(value["mono_us"] == .int(1 << 53 - 1))
    }

    @Test(
        "A name that could carry a sentence, personal data or bytes for a terminal is written as its hash",
        arguments: ["", " ", "two words", "\u{9B}31m", "\u{202E}x", "ann@example.com", "caf\u{E9}", "a\"b", "a\nb"]
    )
    func plainNames(text: JSONText) throws {
        let decision = EncodedDecision(
            isAllowed: false,
            reason: "limited",
            rules: [text],
            policy: 3,
            digest: Sample.digest,
            limiter: text
        )
        var writer = Sample.writer()
        var bytes: [UInt8] = []
        writer.write(.callDeny(Sample.facts(.tool(text), named: text), decision), seq: 5, at: Sample.time, to: &bytes)
        let record = try JSONValue(canonical: bytes, limits: .record)
        let hash = JSONValue.string(RecordName.hash(of: text))
        #expect(record["srv"] == hash)
        #expect(record["tool"] == hash)
        #expect(record["method"] == hash)
        #expect(record["client"]?["id"] == hash)
        #expect(record["dec"]?["rules"] == [hash])
        #expect(record["dec"]?["limiter"] == hash)
    }

    @Test("The largest record there can be is within the limit, and is written")
    func largest() throws {
        let name = JSONText(String(repeating: "A", count: 256))
        let word = JSONText(String(repeating: "w", count: 64))
        let item: [CallItem] = [.tool(name), .prompt(name), .resource(uri: name.utf8)]
        for item in item {
            let facts = Sample.facts(item, named: name)
            let decision = EncodedDecision(
                isAllowed: false,
                reason: word,
                rules: Array(repeating: name, count: 100),
                policy: .max,
                digest: Sample.digest,
                limiter: name
            )
            var writer = RecordWriter(
                agent: JSONText(String(repeating: "a", count: 64)),
                instance: RandomID(),
                key: SigningKey().publicKey.fingerprint,
                boot: RecordWriter.bootMark(bootID: [], agent: "a"),
                subject: word
            )
            let outcome = Outcome(.upstreamError, milliseconds: .max, bytesIn: .max, bytesOut: .max)
            let bodies: [RecordBody] = [
                .callBegin(facts, decision, credential: word), .callDeny(facts, decision), .callEnd(facts, outcome),
                .credentialFail(credential: word, server: name, why: word),
            ]
            for body in bodies {
                var bytes: [UInt8] = []
                writer.write(body, seq: .max, at: RecordTime(wall: .max, mono: .max), to: &bytes)
                #expect(bytes.count <= RecordWriter.maxBytes)
                #expect(try JSONValue(canonical: bytes, limits: .record)["srv"] == .string(name))
            }
        }
    }

    @Test("Two records never have the same salt")
    func salts() throws {
        var writer = Sample.writer()
        var salts: Set<String> = []
        for seq in 0..<1000 as Range<UInt64> {
            var bytes: [UInt8] = []
            writer.write(.agentStop(why: "x"), seq: seq, at: Sample.time, to: &bytes)
            salts.insert(try #require(try JSONValue(canonical: bytes)["salt"]?.text))
        }
        #expect(salts.count == 1000)
    }

    @Test("Times are written and read as they are, over the whole range")
    func times() throws {
        #expect(Timestamp.text(0) == "1970-01-01T00:00:00.000000Z")
        #expect(Timestamp.text(951_782_400_000_001) == "2000-02-29T00:00:00.000001Z")
        for time in stride(from: Int64(0), through: Timestamp.max, by: 86_400_000_000 * 97 + 3_661_000_007) {
            #expect(Timestamp.microseconds(Timestamp.text(time).utf8) == time)
        }
        #expect(Timestamp.microseconds(Timestamp.text(Timestamp.max).utf8) == Timestamp.max)
        for text in [
            "2026-02-29T00:00:00.000000Z", "2026-13-01T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z",
            "2026-01-01T00:60:00.000000Z", "2026-01-01T00:00:60.000000Z", "2026-01-01 00:00:00.000000Z",
            "2026-01-01T00:00:00.000000", "1969-12-31T23:59:59.999999Z", "2026-01-00T00:00:00.000000Z",
        ] {
            #expect(Timestamp.microseconds(text.utf8) == nil)
        }
    }

    @Test("Ids are exactly 32 lower-case hex digits")
    func ids() {
        let id = RandomID()
        #expect(RandomID(hex: id.description.utf8) == id)
        #expect(RandomID(hex: "0123456789abcdef0123456789ABCDEF".utf8) == nil)
        #expect(RandomID(hex: "0123456789abcdef".utf8) == nil)
        #expect(RandomID(high: 0, low: 0).isZero)
    }
}
