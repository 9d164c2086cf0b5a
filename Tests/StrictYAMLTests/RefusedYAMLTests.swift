import StrictJSON
import Testing

@testable import StrictYAML

@Suite("YAML that is refused")
struct RefusedYAMLTests {
    private func failure(_ bytes: [UInt8], limits: JSONLimits = .message) -> YAMLError? {
        do {
            _ = try StrictYAML.parse(bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func failure(_ text: String, limits: JSONLimits = .message) -> YAMLError? {
        failure(Array(text.utf8), limits: limits)
    }

    @Test(
        "What could be read in two ways is refused with its place",
        arguments: [
            ("roles: &a {}\nbind: *a\n", YAMLError.Reason.anchor, 1, 8),
            ("a: *b\n", .alias, 1, 4),
            ("a: !!str 12", .tag, 1, 4),
            ("a: ! 12", .tag, 1, 4),
            ("a: !<tag:yaml.org,2002:int> 12", .tag, 1, 4),
            ("a: !ruby/object x", .tag, 1, 4),
            ("! {a: 1}", .tag, 1, 1),
            ("- ! 'x'", .tag, 1, 3),
            ("%YAML 1.1\n---\na: yes\n", .directive, 1, 1),
            ("%TAG ! tag:x,2000:\n---\na: b\n", .directive, 1, 1),
            ("a:\n  <<: {b: c}\n", .mergeKey, 2, 3),
            ("version: 1\nversion: 1\n", .duplicateName, 2, 1),
            ("{a: 1, \"\\x61\": 2}", .duplicateName, 1, 8),
            ("{\"a\": 1, \"\\u0061\": 2}", .duplicateName, 1, 11),
            ("a: 1\n---\nb: 2\n", .severalDocuments, 2, 1),
            ("\"a\\0\": 1", .controlInName, 1, 1),
            ("\"a\\nb\": 1", .controlInName, 1, 1),
            ("1: a", .nameNotText, 1, 1),
            ("true: a", .nameNotText, 1, 1),
            ("~: a", .nameNotText, 1, 1),
            ("? [a]\n: b", .nameNotText, 1, 3),
            ("? {a: b}\n: c", .nameNotText, 1, 3),
            ("a: 1\u{0}", .controlCharacter, 1, 5),
            ("a: 1\u{7}", .controlCharacter, 1, 5),
            ("a: \u{9B}1", .controlCharacter, 1, 4),
            ("# a\u{85}forbid: []", .foreignLineBreak, 1, 4),
            ("# a\u{2028}forbid: []", .foreignLineBreak, 1, 4),
            ("# a\rforbid: []", .foreignLineBreak, 1, 4),
            ("\u{FEFF}a: 1", .byteOrderMark, 1, 1),
        ]
    )
    func ambiguous(text: String, reason: YAMLError.Reason, line: Int, column: Int) {
        #expect(failure(text) == YAMLError(reason, line: line, column: column))
    }

    @Test(
        "What is no YAML says so without repeating it",
        arguments: [
            "a: [secret", "a: b: secret", "{\"a\": secret", "\tsecret: b", "a: 'secret", "a: \"\\q secret\"", "}",
        ]
    )
    func syntax(text: String) throws {
        let failure = try #require(self.failure(text))
        guard case .syntax = failure.reason else {
            Issue.record("\(failure)")
            return
        }
        #expect(!failure.description.contains("secret"))
    }

    @Test("Bytes that are not UTF-8 are refused where they begin")
    func notUTF8() {
        #expect(failure(Array("a: ok\nb: ".utf8) + [0xC0, 0xAF]) == YAMLError(.badUTF8, line: 2, column: 4))
        #expect(failure([0xFF, 0xFE, 0x61, 0x00])?.reason == .badUTF8)
        #expect(failure(Array("é: ".utf8) + [0xED, 0xA0, 0x80])?.reason == .badUTF8)
    }

    @Test("Size and depth are bounded, and what is far beyond them costs nothing")
    func bounds() {
        let limits = JSONLimits(maxBytes: 64, maxDepth: 4)
        #expect(failure("a: [[[1]]]", limits: limits) == nil)
        #expect(failure("a: [[[[1]]]]", limits: limits)?.reason == .tooDeep)
        #expect(failure("{\"a\": [[[[1]]]]}", limits: limits)?.reason == .tooDeep)
        #expect(failure("a:\n- a:\n  - a:\n    - 1", limits: limits)?.reason == .tooDeep)
        #expect(failure(String(repeating: "a", count: 65), limits: limits)?.reason == .tooLarge)
        for text in ["[", "{a: ", "- ", "? ", "a: {\"b\": "] {
            #expect(failure(String(repeating: text, count: 100_000)) != nil)
        }
        let clock = ContinuousClock()
        let took = clock.measure {
            #expect(failure("a: [" + String(repeating: "1, ", count: 100_000) + "2]") == nil)
            #expect(failure((0..<50_000).map { "k\($0): 1\n" }.joined()) == nil)
        }
        #expect(took < .seconds(20))
    }

    @Test("Aliases that multiply are refused before anything is multiplied")
    func laughs() {
        var text = "a0: &a0 [x]\n"
        for level in 1..<40 {
            text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n? [*a\(level)]\n: 1\n"
        }
        #expect(failure(text)?.reason == .anchor)
    }
}
