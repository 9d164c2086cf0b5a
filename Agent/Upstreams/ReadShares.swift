package import NIOCore

/// How much one read brings of the connections that bring much, so that many of them leave room for others in each turn of
/// the event loop.
///
/// A turn reads from every connection that has something. With forty answers that never end it would copy megabytes before
/// it comes to the next call. Together they get one share of a turn; what is left waits in the kernel for the next turn.
package final class ReadShares {
    /// So many bytes within a second make a connection one that brings much.
    @usableFromInline static let much = 64 << 10
    /// What all of them together bring in one turn, in bytes.
    static let turn = 256 << 10
    /// The bounds of one read, in bytes: less costs more system calls than it spares time, and the first is also what a
    /// connection reads at most that has no share.
    static let most = 65536
    static let least = 4096
    private static let memory = TimeAmount.seconds(1)

    /// When each of them last had brought much.
    private var times: [ObjectIdentifier: NIODeadline] = [:]

    package init() {}

    /// Notes that a connection has brought much again.
    ///
    /// - Returns: how many bytes one read of it may bring, or nil where they are so few that none needs a bound.
    package func share(of connection: AnyObject, at now: NIODeadline) -> Int? {
        times[ObjectIdentifier(connection)] = now
        guard times.count > Self.turn / Self.most else { return nil }
        times = times.filter { now - $0.value <= Self.memory }
        var share = Self.most
        while share > Self.least, share * times.count > Self.turn { share /= 2 }
        return share == Self.most ? nil : share
    }
}

/// What one connection has brought, and the share that its channel reads by.
package struct PacedReading {
    /// What a channel reads with that needs no bound: small for small messages, growing with large ones.
    package static let unpaced = AdaptiveRecvByteBufferAllocator(
        minimum: ReadShares.least,
        initial: 2 * ReadShares.least,
        maximum: ReadShares.most
    )
    /// How often a channel reads in one turn: whatever one connection has, it takes no more than one read of a turn.
    package static let readsInTurn: ChannelOptions.Types.MaxMessagesPerReadOption.Value = 1

    @usableFromInline var bytes = 0
    /// When it last had brought much; nil before it has.
    private var since: NIODeadline?
    private var share: Int?

    package init() {}

    /// Whether the connection reads in a share, since it brings much and so do others.
    package var isPaced: Bool { share != nil }

    /// Counts what was read; true where so much has come that `adjust` must say how the channel reads on.
    @inlinable
    package mutating func isDue(_ count: Int) -> Bool {
        bytes += count
        return bytes >= ReadShares.much
    }

    /// Has the channel read on in the share that is left for it.
    package mutating func adjust(_ connection: AnyObject, in channel: any Channel, _ shares: ReadShares) {
        bytes = 0
        let now = channel.eventLoop.now
        // The first time it is not known how long it took: many new connections at once are what this is for.
        let isFast = since.map { now - $0 <= .seconds(1) } ?? true
        since = now
        set(isFast ? shares.share(of: connection, at: now) : nil, channel)
    }

    /// Reads as any other connection again.
    package mutating func reset(_ channel: (any Channel)?) {
        bytes = 0
        if let channel { set(nil, channel) }
    }

    private mutating func set(_ new: Int?, _ channel: any Channel) {
        guard share != new, let options = channel.syncOptions else { return }
        share = new
        if let new {
            try? options.setOption(.recvAllocator, value: ShareAllocator(capacity: new))
        } else {
            try? options.setOption(.recvAllocator, value: Self.unpaced)
        }
    }
}

/// Gives each read a buffer of its own.
///
/// A channel reads into whatever buffer it had before, as long as that is large enough. So no buffer may be kept: one of
/// before would make the read as long as it is.
private struct ShareAllocator: RecvByteBufferAllocator {
    let capacity: Int

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: capacity) }

    func record(actualReadBytes: Int) -> Bool { true }
}
