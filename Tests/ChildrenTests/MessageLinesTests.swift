import NIOCore
import Testing

@testable import Children

@Suite("Lines of a child")
struct MessageLinesTests {
    private func lines(_ parts: [String], longest: Int = 64) throws -> [String] {
        var reader = MessageLines(longest: longest)
        return try parts.flatMap { try reader.lines(ByteBuffer(string: $0)).map { String(buffer: $0) } }
    }

    @Test("A message is a line, however it is cut")
    func whole() throws {
        #expect(try lines([#"{"a":1}"# + "\n"]) == [#"{"a":1}"#])
        #expect(try lines(["{\"a\"", ":1", "}\n{\"b\"", ":2}\n"]) == [#"{"a":1}"#, #"{"b":2}"#])
        #expect(try lines(["{}\r\n{}\n"]) == ["{}", "{}"])
        #expect(try lines(["{}\r", "\n"]) == ["{}"])
        #expect(try lines(["{}\n\n\n{}\n"]) == ["{}", "", "", "{}"])
        #expect(try lines(["{\"a\":1}"]) == [])
    }

    @Test("Cut at every byte, the lines are the same")
    func everyCut() throws {
        let text = "{\"one\":1}\n\n{\"two\":\"zwei\"}\r\nnoise\n"
        let whole = try lines([text])
        for index in text.utf8.indices {
            let cut = [
                String(decoding: text.utf8[..<index], as: UTF8.self),
                String(decoding: text.utf8[index...], as: UTF8.self),
            ]
            #expect(try lines(cut) == whole)
        }
    }

    @Test("A line over the bound is refused, with its end or without")
    func overlong() throws {
        #expect(try lines([String(repeating: "a", count: 64) + "\n"]).count == 1)
        for parts in [
            [String(repeating: "a", count: 65) + "\n"], [String(repeating: "a", count: 65)],
            [String(repeating: "a", count: 40), String(repeating: "a", count: 25)],
            ["{}\n" + String(repeating: "a", count: 65)],
        ] {
            #expect(throws: MessageLines.Overlong()) { try lines(parts) }
        }
    }

    @Test("What cannot be a message is told from what can")
    func noise() {
        for line in ["{}", "  {\"a\":1}", "\t[{}]"] { #expect(MessageLines.canBeMessage(ByteBuffer(string: line))) }
        for line in ["", "   ", "Starting server", "null", "\"{\"", "42"] {
            #expect(!MessageLines.canBeMessage(ByteBuffer(string: line)))
        }
    }
}
