internal import TransparencyLog

/// Six words by which a person sees that a page and a terminal speak of the same machine and the same coordinator.
///
/// They are 66 bits of a hash of both keys: nobody who stands between the two can have them alike, without trying some 10^19
/// keys.
package struct KeyWords: Sendable, Equatable, CustomStringConvertible {
    package let words: [String]

    /// The words of two keys.
    ///
    /// - Parameters:
    ///   - machine: the 32 bytes of the machine's public key.
    ///   - coordinator: the 32 bytes of the coordinator's.
    package init(machine: [UInt8], coordinator: [UInt8]) {
        let bytes = Hash.of(Array("doorward key words\n".utf8) + machine + coordinator).bytes
        var words: [String] = []
        for index in 0..<6 {
            let bit = index * 11
            let window = bytes[(bit / 8)..<(bit / 8 + 3)].reduce(0) { $0 << 8 | Int($1) }
            words.append(WordList.words[window >> (13 - bit % 8) & 0x7FF])
        }
        self.words = words
    }

    package var description: String { words.joined(separator: " ") }
}
