import Kits
import Testing

@testable import StdioShim

@Suite("Lines of standard input")
struct LineSplitterTests {
    private func lines(_ pieces: [[UInt8]], longest: Int = 64) -> [LineSplitter.Line] {
        var splitter = LineSplitter(longest: longest)
        var found: [LineSplitter.Line] = []
        for piece in pieces { splitter.append(piece) { found.append($0) } }
        splitter.end { found.append($0) }
        return found
    }

    private func whole(_ text: String) -> LineSplitter.Line { .whole(Array(text.utf8)) }

    @Test("However the bytes come, the lines are the same")
    func pieces() {
        let text = Array("one\n\n  \t\r\ntwo\r\nthree".utf8)
        for seed in 0..<100 {
            var random = SeededRandom(seed: UInt64(seed))
            var pieces: [[UInt8]] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...5, using: &random)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(lines(pieces) == [whole("one"), whole("two\r"), whole("three")])
        }
    }

    @Test("A line that is too long is told once, with its beginning, and the next one is whole again")
    func tooLong() {
        let text = String(repeating: "x", count: 200) + "\nnext\n"
        let found = lines(text.utf8.map { [$0] }, longest: 10)
        #expect(found == [.tooLong(Array("xxxxxxxxxx".utf8)), whole("next")])
    }

    @Test("A line may be exactly as long as the bound")
    func bound() {
        #expect(lines([Array("0123456789\n".utf8)], longest: 10) == [whole("0123456789")])
        #expect(lines([Array("0123456789a".utf8)], longest: 10) == [.tooLong(Array("0123456789".utf8))])
    }
}
