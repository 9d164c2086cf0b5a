internal import Glibc

/// Random bits, fetched from the system many at a time: one system call for 256 ids or salts.
///
/// Used bytes are overwritten by the next filling; nothing here is a key.
package struct RandomPool: Sendable {
    private static let capacity = 512

    private let fill: @Sendable (inout [UInt64]) -> Void
    private var words: [UInt64] = []
    /// The number of words that were not given out.
    private var left = 0

    /// The system's randomness.
    package init() {
        self.init { words in
            words.withUnsafeMutableBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: 256) {
                    let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<min(start + 256, bytes.count)])
                    // getentropy gives up to 256 bytes and all or nothing; without randomness no record may be made.
                    precondition(getentropy(part.baseAddress, part.count) == 0, "the system gives no randomness")
                }
            }
        }
    }

    /// Randomness of a test's own; `fill` overwrites every word.
    package init(fill: @escaping @Sendable (inout [UInt64]) -> Void) {
        self.fill = fill
    }

    package mutating func word() -> UInt64 {
        if left == 0 { refill() }
        left &-= 1
        return words[left]
    }

    @inline(never)
    private mutating func refill() {
        words = Array(repeating: 0, count: Self.capacity)
        fill(&words)
        left = words.count
    }

    package mutating func id() -> RandomID {
        RandomID(high: word(), low: word())
    }
}

extension RandomPool {
    /// The 16 bytes of a salt.
    package mutating func salt() -> (UInt64, UInt64) { (word(), word()) }

    /// A salt as JSON writes it.
    package mutating func saltText() -> String { withUnsafeBytes(of: salt()) { Base64.url($0) } }
}
