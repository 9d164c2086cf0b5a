package import Bytes

extension ByteWriter {
    /// Appends a string literal as `JSONWriting.string` spells it.
    package mutating func append(literal text: UnsafeBufferPointer<UInt8>) {
        if append(plainLiteral: text) { return }
        append(UInt8(ascii: "\""))
        for byte in text { JSONWriting.character(byte) { append($0) } }
        append(UInt8(ascii: "\""))
    }

    /// Appends a string literal if its text needs no escape; else writes nothing and returns false.
    package mutating func append(plainLiteral text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard JSONWriting.isPlain(text) else { return false }
        let place = reserve(text.count &+ 2)
        place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        if let source = text.baseAddress { (place + 1).copyMemory(from: source, byteCount: text.count) }
        place.storeBytes(of: UInt8(ascii: "\""), toByteOffset: text.count &+ 1, as: UInt8.self)
        return true
    }
}
