/// The names of the objects that are open, to find a name that occurs twice.
///
/// Names of an inner object stand above those of the outer one and go when it ends. In a small object each new name is
/// compared with those before it; a large one is sorted when it ends, so that no choice of names costs more than
/// n log n. A hash table would have to be seeded against such choices and allocated in any case.
struct NameStack {
    struct Entry {
        fileprivate let fingerprint: UInt64
        fileprivate let lower: UInt32
        /// The upper end, below 2^30, and in the highest bit whether the name holds an escape.
        private let upperAndEscape: UInt32

        fileprivate init(_ name: JSONStringSpan, fingerprint: UInt64) {
            self.fingerprint = fingerprint
            lower = UInt32(truncatingIfNeeded: name.span.lower)
            upperAndEscape = UInt32(truncatingIfNeeded: name.span.upper) | (name.isEscaped ? 1 << 31 : 0)
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
                if earlier.fingerprint == entry.fingerprint { try refuse(entry, ifLike: earlier, in: bytes) }
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

    /// Ends the object whose names begin at `base`.
    @inline(__always)
    mutating func close(downTo base: Int, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        defer { count = base }
        if count &- base > Self.smallObject { try refuseDoubles(from: base, in: bytes) }
    }

    @inline(never)
    private func refuseDoubles(from base: Int, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        var names = UnsafeMutableBufferPointer(rebasing: entries[base..<count])
        names.sort { Self.order($0, $1, in: bytes) < 0 }
        for index in 1..<names.count where Self.order(names[index - 1], names[index], in: bytes) == 0 {
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
    /// Texts with equal numbers are compared in full: whoever chooses such names gains a comparison of what he sent.
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

    /// Less than, equal to or greater than zero; zero exactly when the two texts are the same bytes.
    private static func order(_ left: Entry, _ right: Entry, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        if left.fingerprint != right.fingerprint { return left.fingerprint < right.fingerprint ? -1 : 1 }
        if left.isEscaped || right.isEscaped {
            return order(text(left, in: bytes), text(right, in: bytes))
        }
        return order(bytes[left.span.range], bytes[right.span.range])
    }

    private static func text(_ entry: Entry, in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        entry.isEscaped ? EscapedText.decode(bytes, entry.span) : Array(bytes[entry.span.range])
    }

    private static func order(_ left: some RandomAccessCollection<UInt8>, _ right: some RandomAccessCollection<UInt8>)
        -> Int
    {
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        for (one, other) in zip(left, right) where one != other {
            return one < other ? -1 : 1
        }
        return 0
    }
}
