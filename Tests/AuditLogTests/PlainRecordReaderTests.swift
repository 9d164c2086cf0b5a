import Kits
import StrictJSON
import Testing

@testable import AuditLog

@Suite("Plain record reader")
struct PlainRecordReaderTests {
    /// What makes other records, or no record, of one: what is between values, and values of every form.
    private static let scraps = [
        "", "\"", "\\", ",", ":", "{", "}", "[", "]", "0", "1", "-", "-0", "01", "9007199254740991", "9007199254740992",
        "18446744073709551616", "\"\"", "\"x\"", "true", "null", " ", "\n", "\u{0}", "\u{7F}", "é", "a", "A", "/",
        "\\n",
        "\\u0041", "\"agent\":", "\"v\":1", "1e0", "1.0", String(repeating: "a", count: 65),
        String(repeating: "b", count: 257),
    ]

    private static let records = SampleRecords.all.map { RecordReaderTests.written($0) }

    private func facts(_ facts: RecordHeader) -> [String] {
        [
            facts.kind.rawValue, "\(facts.seq)", "\(facts.time)", "\(facts.agent)", "\(facts.key)", "\(facts.sub)",
            "\(String(describing: facts.server?.span))", "\(String(describing: facts.policy))",
            "\(String(describing: facts.outcome))", "\(String(describing: facts.reason?.span))",
            "\(facts.isAboutItem)",
        ]
    }

    /// Compares what both make of these bytes; returns whether the plain reader takes them.
    @discardableResult
    private func compare(_ bytes: [UInt8]) -> Bool {
        var isTaken = false
        for (layout, isStrict) in [(RecordLayout.any, false), (.plain, true)] {
            bytes.withUnsafeBufferPointer { bytes in
                guard let plain = PlainRecordReader.read(bytes, layout) else { return }
                isTaken = true
                var reader = RecordReader(plainNames: isStrict)
                guard let strict = try? reader.readStrictly(bytes) else {
                    Issue.record("taken: \(String(decoding: bytes, as: UTF8.self))")
                    return
                }
                #expect(facts(plain) == facts(strict))
            }
        }
        return isTaken
    }

    @Test("What is written of plain names is taken, with the facts of the strict pass", arguments: records.indices)
    func written(index: Int) {
        let bytes = Self.records[index]
        let isPlain = bytes.allSatisfy { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }
        #expect(compare(bytes) == isPlain)
    }

    @Test("Whatever is in the place of whatever, it takes nothing that the strict pass refuses", arguments: 0..<8)
    func replaced(seed: UInt64) {
        var random = Seeded(seed)
        var taken = 0
        for _ in 0..<4000 {
            var bytes = Self.records[Int(random.next() % UInt64(Self.records.count))]
            for _ in 0...(random.next() % 2) {
                let scrap = Array(Self.scraps[Int(random.next() % UInt64(Self.scraps.count))].utf8)
                let start = Int(random.next() % UInt64(bytes.count))
                let end = min(bytes.count, start + Int(random.next() % 4) * Int(random.next() % 12))
                bytes.replaceSubrange(start..<end, with: scrap)
            }
            if compare(bytes) { taken += 1 }
        }
        #expect(taken > 0)
    }

    @Test("Every byte changed to one that means something, or to its neighbours", arguments: [0, 2, 4, 9, 14])
    func everyByte(index: Int) {
        let bytes = Self.records[index]
        for place in bytes.indices {
            for value in Array("\"\\,:{}[]019-a AZ_\u{0}\u{7F}".utf8) + [
                0x80, 0xFF, bytes[place] &+ 1, bytes[place] &- 1,
            ] {
                var changed = bytes
                changed[place] = value
                compare(changed)
            }
        }
    }

    @Test("Every prefix is refused, and so is one byte more")
    func lengths() {
        for bytes in Self.records {
            for count in bytes.indices { #expect(!compare(Array(bytes.prefix(count)))) }
            #expect(!compare(bytes + [UInt8(ascii: "}")]) && !compare(bytes + [0x0A]))
        }
    }

    /// SplitMix64: the same numbers for the same seed.
    private struct Seeded {
        private var state: UInt64

        init(_ seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}
