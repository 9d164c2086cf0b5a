internal import Bytes

/// Text as the UTF-8 bytes of a document.
///
/// Two texts are equal when their bytes are. `String` compares by canonical equivalence instead: it takes both
/// spellings of "café", and the Kelvin sign and "K", for the same name, which a server does not.
package struct JSONText: Hashable, Comparable, Sendable {
    /// The bytes, valid UTF-8 without a surrogate.
    package let utf8: [UInt8]

    /// The text of a string.
    package init(_ string: String) {
        utf8 = Array(string.utf8)
    }

    /// The text of bytes, where a sequence that is not UTF-8 becomes U+FFFD.
    package init(utf8 bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        utf8 =
            bytes.withUnsafeBufferPointer(UTF8Bytes.areValid)
            ? bytes : Array(String(decoding: bytes, as: UTF8.self).utf8)
    }

    /// As above, for bytes in memory: other modules get no copy of a generic function for their type.
    package init(utf8 bytes: UnsafeBufferPointer<UInt8>) {
        utf8 = UTF8Bytes.areValid(bytes) ? Array(bytes) : Array(String(decoding: bytes, as: UTF8.self).utf8)
    }

    /// The text of bytes that the scanner has already checked.
    init(checked bytes: [UInt8]) {
        utf8 = bytes
    }

    /// The text as a `String`, for people and for interfaces that want one; never for comparing.
    package var string: String {
        String(decoding: utf8, as: UTF8.self)
    }

    package static func < (left: JSONText, right: JSONText) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension JSONText: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral value: String) {
        self.init(value)
    }

    package var description: String {
        string
    }
}
