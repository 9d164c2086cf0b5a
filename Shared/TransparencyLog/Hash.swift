internal import Crypto
package import Bytes

/// A SHA-256 value, as Merkle trees, checkpoints and proofs contain it.
///
/// Four words, so that a tree of a million of them is one block of memory.
package struct Hash: Hashable, Sendable {
    /// The length in bytes.
    package static let length = 32

    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// The hash that these bytes are, or nil if there are not 32 of them.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.init(exactly: bytes)
    }

    private init(exactly bytes: some Collection<UInt8>) {
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { target in
            // From where they lie, if they lie in one piece: byte by byte it costs a hundred times as much.
            let done: Void? = bytes.withContiguousStorageIfAvailable { target.copyBytes(from: $0) }
            if done == nil { target.copyBytes(from: bytes) }
        }
    }

    init(_ digest: SHA256Digest) {
        words = (0, 0, 0, 0)
        digest.withUnsafeBytes { source in
            withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: source) }
        }
    }

    /// The hashes that lie one behind the other in memory; an incomplete one at the end is ignored.
    package static func each(in bytes: UnsafeRawBufferPointer) -> [Hash] {
        [Hash](unsafeUninitializedCapacity: bytes.count / length) { hashes, count in
            count = bytes.count / length
            let whole = UnsafeRawBufferPointer(rebasing: bytes[..<(count * length)])
            UnsafeMutableRawBufferPointer(hashes).copyMemory(from: whole)
        }
    }

    package static func == (left: Hash, right: Hash) -> Bool {
        left.words.0 == right.words.0 && left.words.1 == right.words.1
            && left.words.2 == right.words.2 && left.words.3 == right.words.3
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }

    package var bytes: [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    /// As checkpoints and proofs write it.
    package var base64: String { Base64.standard(bytes) }

    /// As JSON writes it.
    package var base64URL: String { Base64.url(bytes) }

    /// Appends `base64URL`.
    package func writeBase64URL(to output: inout ByteWriter) {
        withUnsafeBytes { Base64.writeURL($0, to: &output) }
    }

    /// As `sha256sum` writes it: 64 lower-case digits.
    package var hex: String {
        "\(RandomID(high: words.0.bigEndian, low: words.1.bigEndian))"
            + "\(RandomID(high: words.2.bigEndian, low: words.3.bigEndian))"
    }

    /// The hash in `hex`, or nil.
    package init?(hex text: some Collection<UInt8>) {
        guard text.count == 64, let high = RandomID(hex: text.prefix(32)), let low = RandomID(hex: text.dropFirst(32))
        else { return nil }
        words = (high.high.bigEndian, high.low.bigEndian, low.high.bigEndian, low.low.bigEndian)
    }

    /// The hash in `base64`, or nil.
    package init?(base64 text: some Collection<UInt8>) {
        guard let bytes = Base64.decodeStandard(text) else { return nil }
        self.init(bytes)
    }

    /// The hash in `base64URL`, or nil.
    package init?(base64URL text: String) {
        guard let bytes = Base64.decodeURL(text.utf8) else { return nil }
        self.init(bytes)
    }
}

extension Hash {
    /// The root of a tree without leaves: the hash of nothing.
    package static let empty = Hash(SHA256.hash(data: [UInt8]()))

    /// The SHA-256 of bytes, as in digests of documents and files.
    package static func of(_ bytes: some Collection<UInt8>) -> Hash {
        var hasher = SHA256()
        hasher.update(bytes)
        return Hash(hasher.finalize())
    }

    /// The hash of a leaf (RFC 6962, 2.1): over a zero byte and the leaf's bytes.
    package static func leaf(_ bytes: some Collection<UInt8>) -> Hash {
        var hasher = SHA256()
        Swift.withUnsafeBytes(of: UInt8(0x00)) { hasher.update(bufferPointer: $0) }
        hasher.update(bytes)
        return Hash(hasher.finalize())
    }

    /// The same of bytes in memory: other modules get no copy of a generic function for their type.
    package static func leaf(_ bytes: UnsafeBufferPointer<UInt8>) -> Hash {
        var hasher = SHA256()
        Swift.withUnsafeBytes(of: UInt8(0x00)) { hasher.update(bufferPointer: $0) }
        hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
        return Hash(hasher.finalize())
    }

    /// The hash of two subtrees (RFC 6962, 2.1): over a one byte and both.
    package static func node(_ left: Hash, _ right: Hash) -> Hash {
        withUnsafeTemporaryAllocation(byteCount: 1 + 2 * length, alignment: 1) { block in
            block[0] = 0x01
            left.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: block[1...length]).copyMemory(from: $0) }
            right.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: block[(length + 1)...]).copyMemory(from: $0)
            }
            var hasher = SHA256()
            hasher.update(bufferPointer: UnsafeRawBufferPointer(block))
            return Hash(hasher.finalize())
        }
    }
}

extension SHA256 {
    /// Takes bytes from where they lie, if they lie in one piece.
    mutating func update(_ bytes: some Collection<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(bufferPointer: UnsafeRawBufferPointer($0)) }
        if done == nil {
            Array(bytes).withUnsafeBytes { update(bufferPointer: $0) }
        }
    }
}

/// The SHA-256 of a file that is read or written piece by piece.
package struct RunningHash: Sendable {
    private var hasher = SHA256()

    /// The hash of nothing, so far.
    package init() {}

    /// Takes what comes next.
    package mutating func update(_ bytes: some Collection<UInt8>) {
        hasher.update(bytes)
    }

    /// The hash of all that was given so far.
    package var value: Hash { Hash(hasher.finalize()) }
}
