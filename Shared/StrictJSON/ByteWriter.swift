/// Lays bytes out in memory of a fixed size: for what is written for every call and has a bound.
///
/// What does not fit ends the process: whoever makes the room knows the bound of what he writes.
package struct ByteWriter {
    private let room: UnsafeMutableRawBufferPointer
    /// The number of bytes written.
    package private(set) var count = 0

    package init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    /// What was written so far.
    package var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: room[..<count]) }

    @inline(__always)
    private mutating func place(for length: Int) -> UnsafeMutableRawPointer? {
        precondition(length <= room.count - count, "there is no room for \(length) bytes more")
        defer { count += length }
        return room.baseAddress.map { $0 + count }
    }

    package mutating func append(_ byte: UInt8) {
        place(for: 1)?.storeBytes(of: byte, as: UInt8.self)
    }

    package mutating func append(_ text: StaticString) {
        place(for: text.utf8CodeUnitCount)?.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        place(for: bytes.count)?.copyMemory(from: source, byteCount: bytes.count)
    }

    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends the digits of a number that is not below zero.
    package mutating func append(decimal number: UInt64) {
        var length = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            length += 1
        }
        append(decimal: number, digits: length)
    }

    /// Appends the last `digits` digits of a number, with zeros in front.
    package mutating func append(decimal number: UInt64, digits: Int) {
        guard let place = place(for: digits) else { return }
        var rest = number
        for index in stride(from: digits - 1, through: 0, by: -1) {
            place.storeBytes(of: 0x30 + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
    }

    /// Appends a number as 16 lower-case hex digits.
    package mutating func append(hex number: UInt64) {
        append(hexDigits: UInt32(truncatingIfNeeded: number >> 32))
        append(hexDigits: UInt32(truncatingIfNeeded: number))
    }

    /// Eight digits at once: first each half byte gets a byte of its own, then all of them become characters.
    private mutating func append(hexDigits number: UInt32) {
        var spread = UInt64(number)
        spread = (spread << 16 | spread) & 0x0000_FFFF_0000_FFFF
        spread = (spread << 8 | spread) & 0x00FF_00FF_00FF_00FF
        spread = (spread << 4 | spread) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let characters = spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
        place(for: 8)?.storeBytes(of: characters.bigEndian, as: UInt64.self)
    }

    /// Appends a string literal as `JSONWriting.string` spells it.
    package mutating func append(literal text: UnsafeBufferPointer<UInt8>) {
        append(UInt8(ascii: "\""))
        if JSONWriting.isPlain(text) {
            append(UnsafeRawBufferPointer(text))
        } else {
            for byte in text { JSONWriting.character(byte) { append($0) } }
        }
        append(UInt8(ascii: "\""))
    }
}
