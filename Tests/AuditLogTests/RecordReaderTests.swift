import AuditLog
import Bytes
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("Record reader")
struct RecordReaderTests {
    /// Text for which a strict reader has two spellings, or none.
    static let hostile: [JSONText] = [
        "", " ", "\u{0}", "\n", "\u{7F}", "\u{E9}", "e\u{301}", "\u{212A}", "\u{10FFFF}", "\\u0041", "\"", "/",
        JSONText(String(repeating: "a", count: 256)), JSONText(String(repeating: "a", count: 257)),
        JSONText(String(repeating: "\u{1}", count: 42)), JSONText(String(repeating: "\u{1}", count: 43)),
        JSONText(String(repeating: "\"", count: 256)),
    ]

    static func written(_ body: RecordBody, seq: UInt64 = 5) -> [UInt8] {
        var writer = SampleRecords.writer()
        var bytes: [UInt8] = []
        writer.write(body, seq: seq, at: SampleRecords.time, to: &bytes)
        return bytes
    }

    /// What a reader made of a record, or nil.
    static func read(_ bytes: [UInt8]) -> RecordHeader? {
        var reader = RecordReader()
        return try? reader.read(bytes)
    }

    /// By the tree of values: whether these bytes are canonical.
    static func isCanonical(_ bytes: [UInt8]) -> Bool {
        (try? JSONValue(canonical: bytes, limits: .record)) != nil
    }

    @Test("Whatever the writer writes is read, with its facts", arguments: SampleRecords.all.indices)
    func facts(index: Int) throws {
        let bytes = Self.written(SampleRecords.all[index])
        let facts = try #require(Self.read(bytes))
        let json = try JSONValue(canonical: bytes)
        #expect(facts.kind.rawValue == json["kind"]?.text)
        #expect(facts.seq == 5)
        #expect(facts.time == SampleRecords.time.wall)
        #expect(json["agent"]?.string?.utf8 == Array(bytes[facts.agent.range]))
        #expect(json["key"]?.string?.utf8 == Array(bytes[facts.key.range]))
        #expect(json["sub"]?.string?.utf8 == Array(bytes[facts.sub.range]))
        #expect(json["srv"]?.string?.utf8 == bytes.withUnsafeBufferPointer { facts.server?.text(in: $0) })
        let policy = json["dec"]?["policy"]?.int ?? json["policy"]?.int
        #expect(policy == facts.policy?.version)
        let digest = json["dec"]?["digest"]?.string ?? json["digest"]?.string
        #expect(digest?.utf8 == facts.policy.map { Array(bytes[$0.digest.range]) })
    }

    @Test("The kinds are those of the bodies, each with one reader for many records")
    func kinds() {
        var reader = RecordReader()
        let kinds = Set(SampleRecords.all.compactMap { try? reader.read(Self.written($0)).kind })
        #expect(kinds == Set(RecordKind.allCases))
    }

    @Test("Where names have to be plain, a record with another name is refused, though a verifier takes it")
    func plainNames() throws {
        let written = Self.written(SampleRecords.all[0])
        let text = String(decoding: written, as: UTF8.self)
        var strict = RecordReader(plainNames: true)
        #expect(throws: Never.self) { try strict.read(written) }
        for name in ["\u{9B}31m", "see https://evil.example", ""] {
            let forged = Array(text.replacing("\"srv\":\"github\"", with: "\"srv\":\"\(name)\"").utf8)
            #expect(Self.read(forged) != nil)
            #expect(throws: LogError.self) { try strict.read(forged) }
            let rules = Array(text.replacing("\"bind/1\"", with: "\"\(name)\"").utf8)
            #expect(throws: LogError.self) { try strict.read(rules) }
        }
    }

    @Test("Names of strangers, words that are none and numbers out of bounds still make records", arguments: hostile)
    func hostileNames(text: JSONText) throws {
        let facts = CallAttributes(
            call: RandomID(high: .max, low: .max),
            trace: RandomID(high: 0, low: 0),
            client: text,
            how: .claimed,
            server: text,
            method: text,
            item: .tool(text)
        )
        let decision = EncodedDecision(
            isAllowed: false,
            reason: text,
            rules: Array(repeating: text, count: 100),
            policy: -1,
            digest: text,
            limiter: text,
            observed: text
        )
        let bodies: [RecordBody] = [
            .callBegin(facts, decision, credential: text), .callDeny(facts, decision),
            .callEnd(facts, Outcome(.unknown, milliseconds: -1, bytesIn: .max, bytesOut: .min)),
            .credentialGrant(credential: text, server: text), .credentialRefresh(credential: text, server: text),
            .credentialFail(credential: text, server: text, why: text),
            .credentialRevoke(credential: text, server: text, why: text),
            .agentStart(version: text, custody: text, torn: -1), .agentStop(why: text),
            .agentHeartbeat(calls: .min, notifications: .max, pings: -1),
            .agentRollback(known: .max, countersigned: .max), .clockStep(microseconds: .min),
            .policyApply(version: .max, digest: text), .spoolPressure(isOn: true, bytes: .min),
        ]
        for body in bodies {
            var writer = RecordWriter(
                agent: "a-1",
                instance: RandomID(),
                key: SigningKey().publicKey.fingerprint,
                boot: RecordWriter.bootMark(bootID: [], agent: "a-1"),
                subject: text
            )
            var bytes: [UInt8] = []
            writer.write(body, seq: .max, at: RecordTime(wall: .min, mono: .min), to: &bytes)
            #expect(Self.read(bytes) != nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test("Every bit changed gives another record or none", arguments: [0, 2, 4, 9, 14])
    func everyBit(index: Int) {
        let bytes = Self.written(SampleRecords.all[index])
        for place in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << bit
                if Self.read(changed) != nil { #expect(Self.isCanonical(changed)) }
            }
        }
    }

    @Test("Each member missing, twice, of another type, out of place or unknown is refused")
    func members() throws {
        for body in SampleRecords.all {
            let bytes = Self.written(body)
            let object = try #require(try JSONValue(canonical: bytes).object)
            let optional: Set<JSONText> = ["cred", "limiter", "prompt", "tool", "uri_hash"]
            for member in object.members {
                var less = object
                less[member.name] = nil
                let isRead = Self.read(try JSONValue.object(less).canonicalBytes()) != nil
                #expect(isRead == (optional.contains(member.name) && body.mayOmit(member.name)), "\(member.name)")
                for value in [true, [], ["x"], ["x": 1], 1, -1, "x"] as [JSONValue]
                where value.kindName != member.value.kindName {
                    var other = object
                    other[member.name] = value
                    #expect(Self.read(try JSONValue.object(other).canonicalBytes()) == nil, "\(member.name) \(value)")
                }
                let text = JSONValue.object([member.name: member.value]).bytes.dropFirst().dropLast()
                let twice = Array(bytes.dropLast()) + [UInt8(ascii: ",")] + Array(text) + [UInt8(ascii: "}")]
                #expect(Self.read(twice) == nil)
            }
            var more = object
            more["zzz"] = 1
            #expect(Self.read(try JSONValue.object(more).canonicalBytes()) == nil)
            #expect(Self.read(JSONValue.object(JSONObject(backwards: object)).bytes) == nil)
        }
    }

    @Test("A record in another spelling is refused")
    func spelling() {
        let text = String(decoding: Self.written(SampleRecords.all[0]), as: UTF8.self)
        for (from, to) in [
            ("\"v\":1", "\"v\": 1"), ("\"v\":1", "\"v\":1.0"), ("\"v\":1", "\"v\":1e0"), ("\"v\":1", "\"\\u0076\":1"),
            ("get_issue", "get\\u005fissue"), ("roles/dev", "roles\\/dev"), ("\"policy\":3", "\"policy\":03"),
            ("\"policy\":3", "\"policy\":-0"), ("\"policy\":3", "\"policy\":9007199254740992"),
            ("{\"agent\"", " {\"agent\""), ("\"v\":1}", "\"v\":1}\n"), ("\"v\":1}", "\"v\":1,}"),
            ("\"v\":1}", "\"v\":2}"),
            ("claude-code", "\u{1}"), ("claude-code", "\\u0001a\\u000A"), ("\"how\"", "\"who\""),
        ] {
            let changed = text.replacing(from, with: to)
            #expect(changed != text)
            #expect(Self.read(Array(changed.utf8)) == nil, "\(to)")
        }
        #expect(Self.read(Array(text.replacing("claude-code", with: "\\u0001a\\n").utf8)) != nil)
    }

    @Test("A call is about one thing, and more rules than are written are refused")
    func bounds() throws {
        var begin = try #require(try JSONValue(canonical: Self.written(SampleRecords.all[0])).object)
        begin["prompt"] = "x"
        #expect(Self.read(try JSONValue.object(begin).canonicalBytes()) == nil)
        begin["prompt"] = nil
        var decision = try #require(begin["dec"]?.object)
        for (count, isRead) in [(0, true), (16, true), (17, false)] {
            decision["rules"] = .array(Array(repeating: "x", count: count))
            begin["dec"] = .object(decision)
            #expect((Self.read(try JSONValue.object(begin).canonicalBytes()) != nil) == isRead)
        }
    }

    @Test("What is no record at all is refused")
    func garbage() {
        for text in ["", "{}", "[]", "null", "{", "{\"v\":1}", "\u{FEFF}{}", "{\"kind\":\"call.begin\"}"] {
            #expect(Self.read(Array(text.utf8)) == nil)
        }
        #expect(Self.read(Array(repeating: UInt8(ascii: "{"), count: 9000)) == nil)
    }
}

extension RecordBody {
    /// Whether a record of this kind may be without this member.
    fileprivate func mayOmit(_ name: JSONText) -> Bool {
        switch self {
        case .callBegin, .callEnd, .callDeny, .credentialFail: true
        default: name != "cred"
        }
    }
}

extension JSONObject {
    fileprivate init(backwards object: JSONObject) {
        self.init()
        for member in object.members.reversed() { self[member.name] = member.value }
    }
}
