internal import TransparencyLog

/// What became of records; the spool tells its observers on its own thread.
package struct SpoolEvent: Sendable {
    /// Records below this number are durable.
    package let durable: UInt64
    /// Whether there is one among them that is shipped at once: a denial, or a record for whose countersignature somebody waits.
    package let isUrgent: Bool
    /// Set when nothing is recorded any more.
    package let failure: SpoolError?
}

/// The hashes of the newest durable records, so that they are not computed twice.
struct LeafWindow: Sendable {
    /// The segment that is followed.
    private(set) var segment: UInt64
    /// Behind the last durable record.
    private(set) var end: UInt64
    private var hashes: [Hash] = []

    private static let capacity = 8192

    init(segment: UInt64, end: UInt64) {
        self.segment = segment
        self.end = end
    }

    mutating func append(_ new: [Hash], segment: UInt64, end: UInt64) {
        hashes += new
        if hashes.count > Self.capacity { hashes.removeFirst(hashes.count - Self.capacity / 2) }
        self.segment = segment
        self.end = end
    }

    /// The hashes of those among some records that are the newest: of the last of them, or of none.
    func newest(of numbers: Range<UInt64>) -> [Hash] {
        let start = max(numbers.lowerBound, end - UInt64(hashes.count))
        guard numbers.upperBound <= end, start < numbers.upperBound else { return [] }
        let offset = hashes.count - Int(end - start)
        return Array(hashes[offset..<offset + Int(numbers.upperBound - start)])
    }

    /// Goes on elsewhere.
    mutating func reset(segment: UInt64, end: UInt64) {
        self = LeafWindow(segment: segment, end: end)
    }
}
