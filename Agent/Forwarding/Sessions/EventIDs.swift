/// The ids of events that went out to the client of one session, as far back as a client can need them: a stream is
/// taken up again behind the last event that came on it (`Last-Event-ID`).
///
/// Only hashes are kept, and no server can make two ids for one hash.
struct EventIDs {
    /// The most that are remembered.
    static let most = 64

    private var newest: [UInt64] = []
    private var oldest = 0
    /// The last one on the server's own stream, where there may be one in an hour.
    private var ofStream: UInt64?

    /// The hash of an id.
    static func hash(_ id: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: id)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    mutating func remember(_ id: UInt64, isOfStream: Bool) {
        if isOfStream { ofStream = id }
        guard newest.count == Self.most else {
            if newest.isEmpty { newest.reserveCapacity(Self.most) }
            newest.append(id)
            return
        }
        newest[oldest] = id
        oldest = (oldest + 1) % Self.most
    }

    func contains(_ id: UInt64) -> Bool { ofStream == id || newest.contains(id) }
}
