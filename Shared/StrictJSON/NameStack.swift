internal import Glibc

/// The names of the objects that are open, to find a name that occurs twice.
///
/// Names of an inner object lie above those of the outer one and go when it ends. In a small object each new name is
/// compared with those before it; a large one, or one with an escape in a name, is sorted when it ends by numbers that
/// a sender cannot foresee, so that no choice of names costs more than n log n.
struct NameStack {
    struct Entry {
        fileprivate let fingerprint: UInt64
        fileprivate let lower: UInt32
        /// The upper end, below 2^30, and in the highest bit whether the name holds an escape.
        fileprivate let upperAndEscape: UInt32

        fileprivate init(_ name: JSONStringSpan, fingerprint: UInt64) {
            self.fingerprint = fingerprint
            lower = UInt32(truncatingIfNeeded: name.span.lower)
            upperAndEscape = UInt32(truncatingIfNeeded: name.span.upper) | (name.isEscaped ? 1 << 31 : 0)
        }

        fileprivate init(_ entry: Entry, fingerprint: UInt64) {
            self.fingerprint = fingerprint
            lower = entry.lower
            upperAndEscape = entry.upperAndEscape
        }

        fileprivate var isEscaped: Bool { upperAndEscape >> 31 == 1 }
        fileprivate var span: JSONSpan { JSONSpan(Int(lower), Int(upperAndEscape & ~(1 << 31))) }
    }

    /// Room on the stack: as many names as are open at once in usual messages.
    static let usualCapacity = 64
    /// Up to here comparing beats sorting.
    private static let smallObject = 16

    private var entries: UnsafeMutableBufferPointer<Entry>
    private var isOnHeap = false
    private(set) var count = 0

    init(_ room: UnsafeMutableBufferPointer<Entry>) {
        entries = room
    }

    /// Gives back what was allocated; the stack must not be used again.
    mutating func free() {
        if isOnHeap { entries.deallocate() }
        isOnHeap = false
    }

    /// Adds a name to the object whose names begin at `base`.
    @inline(__always)
    mutating func push(_ name: JSONStringSpan, above base: Int, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError)
    {
        let entry = entry(name, in: bytes)
        if count &- base < Self.smallObject {
            var index = base
            while index < count {
                let earlier = entries[index]
                // With an escape in either, all are compared once the object has ended.
                if earlier.fingerprint == entry.fingerprint, !earlier.isEscaped, !entry.isEscaped {
                    try refuse(entry, ifLike: earlier, in: bytes)
                }
                index &+= 1
            }
        }
        if count == entries.count { grow() }
        entries.initializeElement(at: count, to: entry)
        count &+= 1
    }

    @inline(never)
    private func refuse(_ entry: Entry, ifLike other: Entry, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        guard Self.order(other, entry, in: bytes) == 0 else { return }
        throw .ambiguous(.duplicateName, at: Int(entry.lower))
    }

    /// Ends the object whose names begin at `base`; `hasEscapes` if one of them holds an escape.
    @inline(__always)
    mutating func close(downTo base: Int, hasEscapes: Bool, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        defer { count = base }
        if count &- base > Self.smallObject || hasEscapes { try refuseDoubles(from: base, in: bytes) }
    }

    @inline(never)
    private func refuseDoubles(from base: Int, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        var names = entries[base..<count].map { entry in Entry(entry, fingerprint: Self.digest(entry, in: bytes)) }
        names.sort { Self.order($0, $1, in: bytes) < 0 }
        for index in 1..<max(names.count, 1) where Self.order(names[index - 1], names[index], in: bytes) == 0 {
            throw .ambiguous(.duplicateName, at: Int(max(names[index - 1].lower, names[index].lower)))
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<Entry>.allocate(capacity: entries.count * 4)
        _ = larger.moveInitialize(fromContentsOf: entries[..<count])
        if isOnHeap { entries.deallocate() }
        entries = larger
        isOnHeap = true
    }

    // MARK: Comparing

    @inline(__always)
    private func entry(_ name: JSONStringSpan, in bytes: UnsafeBufferPointer<UInt8>) -> Entry {
        if name.isEscaped { return escapedEntry(name, in: bytes) }
        guard let base = UnsafeRawPointer(bytes.baseAddress) else { return Entry(name, fingerprint: 0) }
        let room = bytes.count &- name.span.lower
        return Entry(name, fingerprint: Self.fingerprint(base + name.span.lower, name.span.count, room: room))
    }

    @inline(never)
    private func escapedEntry(_ name: JSONStringSpan, in bytes: UnsafeBufferPointer<UInt8>) -> Entry {
        EscapedText.decode(bytes, name.span).withUnsafeBytes { text in
            guard let base = text.baseAddress else { return Entry(name, fingerprint: 0) }
            return Entry(name, fingerprint: Self.fingerprint(base, text.count, room: text.count))
        }
    }

    /// A number that differs for most different texts: of the first and the last eight bytes.
    ///
    /// Names of a small object with equal numbers are compared in full, byte by byte as they came.
    ///
    /// `room` is the number of bytes that may be read from `text` on.
    @inline(__always)
    private static func fingerprint(_ text: UnsafeRawPointer, _ count: Int, room: Int) -> UInt64 {
        if count >= 8 {
            let first = text.loadUnaligned(as: UInt64.self)
            let last = text.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            return first ^ (last &* 0x9E37_79B9_7F4A_7C15) &+ UInt64(truncatingIfNeeded: count)
        }
        if room >= 8 {
            let word = UInt64(littleEndian: text.loadUnaligned(as: UInt64.self))
            return word & (1 << UInt64(truncatingIfNeeded: count &* 8) &- 1)
        }
        var word: UInt64 = 0
        for index in 0..<count {
            word |= UInt64(text.load(fromByteOffset: index, as: UInt8.self)) << UInt64(truncatingIfNeeded: index &* 8)
        }
        return word
    }

    /// A number that differs for different texts but by chance: the sender of a message knows neither seed nor factor,
    /// and so cannot make sorting compare its names in full.
    private static func digest(_ entry: Entry, in bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        withText(entry, in: bytes, digest)
    }

    private static let seed = UInt64.random(in: .min ... .max)
    private static let factor = UInt64.random(in: .min ... .max) | 1

    private static func digest(_ text: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(text.count)
        func mix(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: factor)
            state = product.high ^ product.low
        }
        var position = 0
        while text.count - position >= 8 {
            mix(text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < text.count {
            rest = rest << 8 | UInt64(text[position])
            position += 1
        }
        mix(rest)
        return state
    }

    /// Less than, equal to or greater than zero; zero exactly when the two texts are the same bytes.
    private static func order(_ left: Entry, _ right: Entry, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        if left.fingerprint != right.fingerprint { return left.fingerprint < right.fingerprint ? -1 : 1 }
        return withText(left, in: bytes) { left in withText(right, in: bytes) { order(left, $0) } }
    }

    private static func withText<Result>(
        _ entry: Entry,
        in bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        if entry.isEscaped { return EscapedText.decode(bytes, entry.span).withUnsafeBytes(body) }
        return body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[entry.span.range]))
    }

    private static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        guard let one = left.baseAddress, let other = right.baseAddress else { return 0 }
        return Int(memcmp(one, other, left.count))
    }
}
