internal import AuditLog

/// What became of records: told to whoever asked, on the spool's own thread.
package struct SpoolNews: Sendable {
    /// Records below this number are durable.
    package let durable: UInt64
    /// Whether there is a denial among them, which is shipped at once.
    package let isUrgent: Bool
    /// Set when nothing is recorded any more.
    package let failure: SpoolError?
}

/// The hashes of the newest durable records, so that nobody has to compute them twice.
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

    /// The hash of a record, if it is one of the newest.
    func hash(_ number: UInt64) -> Hash? {
        guard number < end, end - number <= UInt64(hashes.count) else { return nil }
        return hashes[hashes.count - Int(end - number)]
    }

    /// Goes on elsewhere.
    mutating func reset(segment: UInt64, end: UInt64) {
        self = LeafWindow(segment: segment, end: end)
    }
}
