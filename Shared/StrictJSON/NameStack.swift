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
    // Looked up once for each document.
    private let seed: UInt64
    private let factor: UInt64
    private(set) var count = 0

    init(_ room: UnsafeMutableBufferPointer<Entry>) {
        entries = room
        (seed, factor) = (Self.seed, Self.factor)
    }

    /// Gives back what was allocated; the stack must not be used again.
    mutating func free() {
        if isOnHeap { entries.deallocate() }
        isOnHeap = false
    }

    /// Adds a name to the object whose names begin at `base`.
    mutating func push(_ name: JSONStringSpan, above base: Int, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError)
    {
        let entry = entry(name, in: bytes)
        if count - base < Self.smallObject {
            for index in base..<count where entries[index].fingerprint == entry.fingerprint {
                if Self.order(entries[index], entry, in: bytes) == 0 {
                    throw .ambiguous(.duplicateName, at: name.span.lower)
                }
            }
        }
        if count == entries.count { grow() }
        entries.initializeElement(at: count, to: entry)
        count += 1
    }

    /// Ends the object whose names begin at `base`.
    mutating func close(downTo base: Int, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        defer { count = base }
        guard count - base > Self.smallObject else { return }
        var names = UnsafeMutableBufferPointer(rebasing: entries[base..<count])
        names.sort { Self.order($0, $1, in: bytes) < 0 }
        for index in 1..<names.count where Self.order(names[index - 1], names[index], in: bytes) == 0 {
            throw .ambiguous(.duplicateName, at: Int(max(names[index - 1].lower, names[index].lower)))
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<Entry>.allocate(capacity: entries.count * 4)
        _ = larger.moveInitialize(fromContentsOf: entries[..<count])
        if isOnHeap { entries.deallocate() }
        entries = larger
        isOnHeap = true
    }

    // MARK: Comparing

    /// Unknown to whoever sends a message, so that he cannot choose names with one fingerprint.
    private static let seed = UInt64.random(in: .min ... .max)
    private static let factor = UInt64.random(in: .min ... .max) | 1

    private func entry(_ name: JSONStringSpan, in bytes: UnsafeBufferPointer<UInt8>) -> Entry {
        if name.isEscaped {
            let text = EscapedText.decode(bytes, name.span)
            return Entry(name, fingerprint: text.withUnsafeBytes(fingerprint))
        }
        return Entry(
            name,
            fingerprint: fingerprint(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[name.span.range]))
        )
    }

    /// A number that differs for different texts, nearly always; equal ones are compared in full.
    private func fingerprint(_ text: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(text.count)
        var position = 0
        while text.count - position >= 8 {
            state = mix(state, text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < text.count {
            rest = rest << 8 | UInt64(text[position])
            position += 1
        }
        return mix(state, rest)
    }

    private func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word).multipliedFullWidth(by: factor)
        return product.high ^ product.low
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
