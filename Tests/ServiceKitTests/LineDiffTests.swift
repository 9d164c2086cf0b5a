import Kits
import ServiceKit
import Testing

@Suite("What differs between two texts")
struct LineDiffTests {
    private func diff(_ old: String, _ new: String) -> String {
        LineDiff.text(from: Array(old.utf8), to: Array(new.utf8))
    }

    @Test("Where nothing differs there is nothing to read")
    func same() {
        #expect(diff("", "").isEmpty)
        #expect(diff("a\nb\n", "a\nb\n").isEmpty)
        #expect(diff("a\nb\n", "a\nb").isEmpty)
    }

    @Test("Lines come, go and stay, with three of those around them")
    func changed() {
        let old = (1...20).map { "line \($0)" }
        var new = old
        new[9] = "LINE 10"
        new.remove(at: 0)
        #expect(
            LineDiff.text(from: old, to: new) == """
                - line 1
                  line 2
                  line 3
                  line 4
                  ...
                  line 7
                  line 8
                  line 9
                - line 10
                + LINE 10
                  line 11
                  line 12
                  line 13
                  ...
                """
        )
    }

    @Test("A comment cannot hide what it holds")
    func visible() {
        #expect(diff("# a\n", "# a\u{202E}b\n") == "- # a\n+ # a\\u{202e}b")
        #expect(diff("a\rb\n", "a\n") == "- a\\u{d}b\n+ a")
    }

    @Test("What goes and what is new make the old text and the new one", arguments: UInt64(0)..<40)
    func lossless(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let words = (0...(seed % 7)).map { "w\($0)" }
        let old = (0..<Int.random(in: 0...6, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
        let new = (0..<Int.random(in: 0...6, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
        let lines = LineDiff.text(from: old, to: new).split(separator: "\n").map(String.init)
        guard old != new, !lines.contains("  ...") else { return }
        #expect(lines.filter { !$0.hasPrefix("+") }.map { String($0.dropFirst(2)) } == old, "\(old) \(new)")
        #expect(lines.filter { !$0.hasPrefix("-") }.map { String($0.dropFirst(2)) } == new, "\(old) \(new)")
    }
}
