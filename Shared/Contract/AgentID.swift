/// Names of agents: `a-` and 80 random bits in base32, lower case.
package enum AgentID {
    /// The id made of ten random bytes.
    package static func make(random: [UInt8]) -> String {
        precondition(random.count == 10)
        var id = "a-"
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in random {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                id.unicodeScalars.append(Unicode.Scalar(alphabet[Int(bits >> count & 31)]))
            }
        }
        return id
    }

    /// Whether `text` can be an agent's id.
    package static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 18 && bytes.starts(with: "a-".utf8) && bytes.dropFirst(2).allSatisfy(alphabet.contains)
    }

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
}
