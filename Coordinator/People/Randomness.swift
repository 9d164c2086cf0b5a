internal import Bytes
internal import Contract
internal import StrictJSON

/// Where secrets, ids and pseudonyms come from.
package struct Randomness: Sendable {
    /// So many bytes that cannot be guessed.
    package let bytes: @Sendable (Int) -> [UInt8]

    /// Randomness of a test's own.
    package init(bytes: @escaping @Sendable (Int) -> [UInt8]) { self.bytes = bytes }

    /// The system's.
    package static let system = Randomness { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// An id of 127 bits for a row.
    ///
    /// It begins with a letter: a command takes what begins with `-` for an option.
    package func id() -> String {
        var bytes = bytes(16)
        bytes[0] &= 0x7F
        return Base64.url(bytes)
    }

    /// The pseudonym of a person: it says nothing about the person, and one table alone joins them.
    func sub() -> String { "p-\(AgentID.make(random: bytes(10)).dropFirst(2))" }
}
