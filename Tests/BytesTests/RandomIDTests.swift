import Testing

@testable import Bytes

@Suite("Ids of calls")
struct RandomIDTests {
    private static let text = "0123456789abcdef89ab0cdef1234567"

    @Test("An id is written as 32 digits, and read again")
    func digits() throws {
        let id = try #require(RandomID(hex: Self.text.utf8))
        #expect((id.high, id.low) == (0x0123_4567_89AB_CDEF, 0x89AB_0CDE_F123_4567))
        #expect("\(id)" == Self.text)
        #expect(RandomID(hex: Array(Self.text.utf8).dropLast()) == nil)
        #expect(RandomID(hex: Self.text.utf8 + [0x30]) == nil)
    }

    @Test("Whatever is no lower-case digit, anywhere in it, makes it no id", arguments: 0..<32)
    func bytes(place: Int) {
        var text = Array(Self.text.utf8)
        for byte in UInt8.min...UInt8.max {
            text[place] = byte
            let isDigit = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
            #expect((RandomID(hex: text) != nil) == isDigit)
        }
    }
}
