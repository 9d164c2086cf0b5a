/// A small seeded generator, so that a failure can be seen again.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Ways for bytes to arrive.
enum Pieces {
    /// The ends of the pieces: all at once, in two pieces cut at every place, byte by byte.
    static func everyCut(of count: Int) -> [[Int]] {
        [[count], Array(1...max(count, 1))] + (0..<count).map { [$0, count] }
    }

    /// Ends at random places.
    static func random(of count: Int, using random: inout SeededRandom) -> [Int] {
        var ends: [Int] = []
        var end = 0
        while end < count {
            end = min(count, end + Int.random(in: 0...max(1, count / 3), using: &random))
            ends.append(end)
        }
        return ends.isEmpty ? [0] : ends
    }

    /// One to five small damages: a byte changed, doubled, dropped or put in.
    static func damaged(_ bytes: [UInt8], alphabet: [UInt8], using random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...5, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &random)
            let byte = alphabet.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = byte
            case 1: bytes.insert(bytes[place], at: place)
            case 2: bytes.remove(at: place)
            default: bytes.insert(byte, at: place)
            }
        }
        return bytes
    }
}
