import AuditLog
import Testing

@Suite("Lines of records")
struct RecordLinesTests {
    private func count(_ text: String) -> Int? {
        Array(text.utf8).withUnsafeBufferPointer(RecordLines.count)
    }

    private func lines(_ text: String, atMost most: Int = .max) -> [String] {
        var lines: [String] = []
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            RecordLines.each(bytes) { line in
                lines.append(String(decoding: line, as: UTF8.self))
                return lines.count < most
            }
        }
        return lines
    }

    @Test("Lines are counted where each has something in it and an end")
    func counting() {
        #expect(count("") == 0)
        #expect(count("a\n") == 1)
        #expect(count("a\nbc\n\u{0}\n") == 3)
        for text in ["\n", "a", "a\n\n", "\na\n", "a\nb"] { #expect(count(text) == nil, "\(text)") }
    }

    @Test("Lines are lent in their order, until the caller wants no more")
    func lending() {
        #expect(lines("") == [])
        #expect(lines("a\nbc\n\nd\ne") == ["a", "bc", "", "d"])
        #expect(lines("a\nb\nc\n", atMost: 2) == ["a", "b"])
    }
}
