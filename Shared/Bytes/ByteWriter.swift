/// Lays bytes out in memory of a fixed size: for what is written for every call and has a bound.
///
/// What does not fit ends the process: the code that makes the room knows the bound of what it writes.
@usableFromInline
package struct ByteWriter {
    @usableFromInline let room: UnsafeMutableRawBufferPointer
    /// The number of bytes written.
    @usableFromInline package internal(set) var count = 0

    package init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    /// What was written so far.
    package var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: room[..<count]) }

    /// The place for the next bytes, which the caller writes.
    @inlinable
    @inline(always)
    package mutating func reserve(_ length: Int) -> UnsafeMutableRawPointer {
        guard length <= room.count &- count, let base = room.baseAddress else { Self.refuse(length) }
        defer { count &+= length }
        return base + count
    }

    @usableFromInline
    @inline(never)
    static func refuse(_ length: Int) -> Never {
        preconditionFailure("there is no room for \(length) bytes more")
    }

    @inlinable
    @inline(always)
    package mutating func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
    }

    @inlinable
    @inline(always)
    package mutating func append(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        let word = UInt32(first) | UInt32(second) << 8 | UInt32(third) << 16 | UInt32(fourth) << 24
        reserve(4).storeBytes(of: word.littleEndian, as: UInt32.self)
    }

    @inlinable
    @inline(always)
    package mutating func append(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    @inlinable
    @inline(always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    @inlinable
    @inline(always)
    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    package mutating func append(_ text: String) {
        let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable { append(UnsafeRawBufferPointer($0)) }
        if isWritten == nil { append(Array(text.utf8)) }
    }

    /// Appends the digits of a number that is not below zero.
    package mutating func append(decimal number: UInt64) {
        var length = 1
        var bound: UInt64 = 10
        // Of 20 digits, which is all that there can be, the bound would be none any more.
        while length < 20, number >= bound {
            length &+= 1
            bound &*= 10
        }
        append(decimal: number, digits: length)
    }

    /// Appends the last `digits` digits of a number, with zeros in front.
    package mutating func append(decimal number: UInt64, digits: Int) {
        let place = reserve(digits)
        var rest = number
        var index = digits &- 1
        while index > 0 {
            let pair = UInt8(truncatingIfNeeded: rest % 100)
            rest /= 100
            place.storeBytes(of: 0x30 &+ pair % 10, toByteOffset: index, as: UInt8.self)
            place.storeBytes(of: 0x30 &+ pair / 10, toByteOffset: index &- 1, as: UInt8.self)
            index &-= 2
        }
        if index == 0 { place.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: rest % 10), as: UInt8.self) }
    }

    /// Appends a number as 16 lower-case hex digits.
    package mutating func append(hex number: UInt64) {
        let place = reserve(16)
        place.storeBytes(of: Self.hexDigits(UInt32(truncatingIfNeeded: number >> 32)), as: UInt64.self)
        place.storeBytes(of: Self.hexDigits(UInt32(truncatingIfNeeded: number)), toByteOffset: 8, as: UInt64.self)
    }

    /// Eight digits at once: first each half byte gets a byte of its own, then all of them become characters.
    @inline(__always)
    private static func hexDigits(_ number: UInt32) -> UInt64 {
        var spread = UInt64(number)
        spread = (spread << 16 | spread) & 0x0000_FFFF_0000_FFFF
        spread = (spread << 8 | spread) & 0x00FF_00FF_00FF_00FF
        spread = (spread << 4 | spread) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).bigEndian
    }
}
