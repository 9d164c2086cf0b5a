import Kits
import StrictJSON
import Testing

@testable import Policy

@Suite("Patterns of names")
struct PatternTests {
    @Test(
        "A pattern is a name, or a beginning with one * behind it",
        arguments: [
            ("get_*", "get_issue", true), ("get_*", "get_", true), ("get_*", "get", false), ("*", "", true),
            ("get", "get", true), ("get", "get_", false), ("get", "Get", false), ("get", "", false),
        ]
    )
    func matching(pattern: String, name: String, expected: Bool) throws {
        #expect(try Pattern(.text(pattern), at: "").matches(JSONText(name)) == expected)
    }

    @Test("Two spellings of one letter are two names, since a server takes them for two")
    func bytes() throws {
        let composed = try Pattern(.text("caf\u{E9}"), at: "")
        #expect(composed.matches(JSONText("caf\u{E9}")))
        #expect(!composed.matches(JSONText("cafe\u{301}")))
        #expect(!(try Pattern(.text("K"), at: "").matches(JSONText("\u{212A}"))))
    }

    @Test("What could mean something else elsewhere is refused", arguments: ["*x", "a*b", "**", "", "a\u{0}", "a\nb"])
    func refused(text: String) {
        #expect(throws: ShapeError.self) { try Pattern(.text(text), at: "tools/0") }
    }

    @Test("A pattern is written as it was read", arguments: ["*", "get_*", "get", "repo://*"])
    func roundTrip(text: String) throws {
        #expect(try Pattern(.text(text), at: "").json == .text(text))
    }

    @Test("A compiled pattern matches what the simplest matcher does, whatever the bytes and lengths")
    func compiled() {
        var random = SeededRandom(seed: 20)
        func bytes(_ most: Int) -> [UInt8] {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in
                [0x61, 0x62, 0xFF, 0x00].randomElement(using: &random) ?? 0
            }
        }
        for _ in 0..<Property.policies * 20 {
            let stem = bytes(18)
            let pattern = Pattern(stem: stem, isPrefix: Bool.random(using: &random))
            // Most names begin like the pattern, or nothing would match.
            let name =
                Bool.random(using: &random)
                ? Array((stem + bytes(3)).prefix(Int.random(in: 0...21, using: &random))) : bytes(18)
            var pool: [UInt8] = []
            let compiled = CompiledPattern(pattern, pool: &pool)
            let isMatched = name.withUnsafeBufferPointer { name in
                pool.withUnsafeBufferPointer { compiled.matches(NameBytes(name), pool: $0) }
            }
            let isExpected = pattern.isPrefix ? name.starts(with: stem) : name == stem
            #expect(isMatched == isExpected, "\(pattern) \(name)")
            #expect(pattern.matches(name) == isExpected)
            #expect(pool.withUnsafeBufferPointer { compiled.pattern(pool: $0) } == pattern)
        }
    }
}
