/// How long calls took, counted in buckets that are an eighth of their bounds wide at most.
///
/// Exact below 16 ms, then eight buckets for each doubling: a percentile that is read from it is off by a sixteenth. It
/// takes a byte or two for each bucket between the first and the last that is not empty.
struct LatencyHistogram: Sendable, Equatable {
    /// The last bucket has everything from some 17 minutes on.
    static let buckets = 16 + 8 * 16
    /// From the first on; what is behind the last is empty.
    private(set) var counts: [Int] = []

    init() {}

    /// The bucket of a duration.
    static func bucket(milliseconds: Int) -> Int {
        guard milliseconds >= 16 else { return max(milliseconds, 0) }
        let octave = Int.bitWidth - 1 - milliseconds.leadingZeroBitCount
        return min(16 + (octave - 4) * 8 + (milliseconds >> (octave - 3)) & 7, buckets - 1)
    }

    /// The durations of a bucket, in milliseconds: from the lower bound to below the upper one.
    static func bounds(_ bucket: Int) -> Range<Int> {
        guard bucket >= 16 else { return bucket..<(bucket + 1) }
        let (octave, eighth) = ((bucket - 16) / 8 + 4, (bucket - 16) % 8)
        let width = 1 << (octave - 3)
        return ((8 + eighth) * width)..<((9 + eighth) * width)
    }

    mutating func add(milliseconds: Int) {
        let bucket = Self.bucket(milliseconds: milliseconds)
        while counts.count <= bucket { counts.append(0) }
        counts[bucket] += 1
    }

    mutating func add(_ other: LatencyHistogram) {
        while counts.count < other.counts.count { counts.append(0) }
        for (bucket, count) in other.counts.enumerated() { counts[bucket] += count }
    }

    var count: Int { counts.reduce(0, +) }

    /// The duration that this part of the calls did not pass, in milliseconds; nil where there is none.
    func percentile(_ part: Double) -> Int? {
        let rank = max(Int((Double(count) * part).rounded(.up)), 1)
        var seen = 0
        for (bucket, count) in counts.enumerated() {
            seen += count
            guard seen >= rank else { continue }
            let bounds = Self.bounds(bucket)
            return (bounds.lowerBound + bounds.upperBound - 1) / 2
        }
        return nil
    }

    // MARK: As a column

    /// How many empty buckets come first, then each count: numbers of seven bits a byte, the lowest first (LEB128).
    var bytes: [UInt8] {
        let first = counts.firstIndex { $0 > 0 } ?? 0
        var bytes: [UInt8] = []
        for number in [first] + counts[first...] {
            var rest = number
            while rest > 0x7F {
                bytes.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        return bytes
    }

    /// Reads the column; nil for bytes that are none.
    init?(_ bytes: [UInt8]) {
        var numbers: [Int] = []
        var (number, shift) = (0, 0)
        for byte in bytes {
            guard shift < 56 else { return nil }
            number |= Int(byte & 0x7F) << shift
            shift += 7
            guard byte & 0x80 == 0 else { continue }
            numbers.append(number)
            (number, shift) = (0, 0)
        }
        guard shift == 0, let first = numbers.first, first + numbers.count - 1 <= Self.buckets else { return nil }
        counts = Array(repeating: 0, count: first) + numbers.dropFirst()
    }
}
