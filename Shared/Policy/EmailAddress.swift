/// A person as policies and administrators name people: an e-mail address, compared as lower-case ASCII bytes.
///
/// It is narrower than what the mail standards allow: no quoted parts, nothing beyond ASCII, where two addresses can
/// look alike and differ, and no `*`, which would look like a pattern of people.
package struct EmailAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address, in lower case.
    package let text: String

    /// The longest address in bytes (RFC 5321, 4.5.3.1.3).
    package static let longest = 254

    /// Reads an address; nil if the text is not an address.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.longest, let at = bytes.firstIndex(of: UInt8(ascii: "@")),
            Self.isLocal(bytes[..<at]), Self.isDomain(bytes[(at + 1)...])
        else { return nil }
        self.text = String(decoding: bytes.map(Self.lowercased), as: UTF8.self)
    }

    package var description: String { text }

    private static func isLocal(_ bytes: ArraySlice<UInt8>) -> Bool {
        // A dot is between characters (RFC 5322, 3.2.3).
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return (1...64).contains(bytes.count)
            && parts.allSatisfy { part in !part.isEmpty && part.allSatisfy { isWord($0) || localMarks.contains($0) } }
    }

    private static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }

    private static let localMarks = Array("!#$%&'+-/=?^_`{|}~".utf8)

    private static func isWord(_ byte: UInt8) -> Bool {
        switch lowercased(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
