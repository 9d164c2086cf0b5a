internal import Errors

/// The state of a log (c2sp.org/tlog-checkpoint): how many leaves it has and what their root is.
package struct Checkpoint: Sendable, Hashable {
    /// Which log, see `isOrigin`.
    package let origin: String
    /// The number of leaves, at most 2^53 - 1.
    package let size: UInt64
    package let root: Hash

    /// The largest size: what canonical JSON can write.
    package static let maxSize: UInt64 = 1 << 53 - 1

    /// Whether a text can be a log's name: 1 to 255 printable ASCII characters without blanks and `+`.
    ///
    /// It is a line of a note and the name of its signature.
    package static func isOrigin(_ text: some StringProtocol) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2B }
    }

    package init(origin: String, size: UInt64, root: Hash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The text of the note: three lines.
    package var text: [UInt8] {
        Array("\(origin)\n\(size)\n\(root.base64)\n".utf8)
    }

    /// Reads the text of a note, which must have exactly the three lines; a log without leaves has the root of none.
    package init(parsing text: [UInt8]) throws(LogError) {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count == 4, let size = UInt64(String(decoding: lines[1], as: UTF8.self)), size <= Self.maxSize,
            let root = Hash(base64: lines[2])
        else { throw LogError(.malformed, "this is not a checkpoint") }
        self.init(origin: String(decoding: lines[0], as: UTF8.self), size: size, root: root)
        guard self.text == text, Self.isOrigin(origin), size > 0 || root == .empty else {
            throw LogError(.malformed, "this is not a checkpoint")
        }
    }

    /// The checkpoint as a note that its log's key signs; the signature's name is the origin.
    package func signed(by key: SigningKey) throws -> Note {
        try Note.sign(text, name: origin, key: key)
    }
}
