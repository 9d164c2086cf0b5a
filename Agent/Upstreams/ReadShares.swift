package import NIOCore

/// Whose turn it is to be read, among the connections that bring much, so that many of them leave room for all others.
///
/// The kernel has bytes for forty answers that never end as fast as they are read, and reading them would take most of a
/// core. As long as there are only a few, each is read as it comes. More of them are read one after the other, one read
/// each, at most one read a millisecond: what is left waits in the kernel, and with it, over TCP, the sender.
package final class ReadShares {
    /// So many bytes of one message within a second make a connection one that brings much.
    @usableFromInline static let much = 64 << 10
    /// So many of them are read as they come.
    static let free = 4
    /// How often one of the others is read.
    package static let interval = Duration.milliseconds(1)
    private static let memory = TimeAmount.seconds(1)

    fileprivate let loop: any EventLoop
    /// When each of them last had brought much.
    private var times: [ObjectIdentifier: NIODeadline] = [:]
    /// Those that wait for their next read; the first ones may have been read already.
    private var waiting: [PacedReader] = []
    private var first = 0
    private var isTicking = false

    package init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Notes that a connection has brought much again.
    ///
    /// - Returns: whether it must wait for its turns, since too many others bring much too.
    package func isCrowded(with connection: ObjectIdentifier, at now: NIODeadline) -> Bool {
        times[connection] = now
        guard times.count > Self.free else { return false }
        times = times.filter { now - $0.value <= Self.memory }
        return times.count > Self.free
    }

    /// Reads once from a channel when its turn has come.
    fileprivate func await(_ reader: PacedReader) {
        waiting.append(reader)
        guard !isTicking else { return }
        isTicking = true
        tickLater()
    }

    private func tickLater() {
        loop.assumeIsolated().scheduleTask(in: TimeAmount(Self.interval)) { self.tick() }
    }

    private func tick() {
        while first < waiting.count {
            let reader = waiting[first]
            first += 1
            if reader.read() { break }
        }
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.count <= 1024)
            first = 0
            isTicking = false
            return
        }
        // The front is cut off seldom enough to cost nothing.
        if first >= 64, first * 2 >= waiting.count {
            waiting.removeFirst(first)
            first = 0
        }
        tickLater()
    }
}

/// A channel that reads when its turn has come, and only then.
private final class PacedReader {
    private let channel: any Channel
    /// Whether its owner wants to read at all.
    var isWanted: Bool
    /// Whether it stands in the row of those that wait.
    var isWaiting = false
    private(set) var hasEnded = false

    init(_ channel: any Channel, isWanted: Bool) {
        self.channel = channel
        self.isWanted = isWanted
        setAutoRead(false)
    }

    /// Reads once; false where nobody wants that any more.
    func read() -> Bool {
        isWaiting = false
        guard !hasEnded, isWanted, channel.isActive else { return false }
        channel.read()
        return true
    }

    /// Reads on as any other channel, if its owner wants to.
    func end() {
        hasEnded = true
        if isWanted { setAutoRead(true) }
    }

    private func setAutoRead(_ isOn: Bool) {
        try? channel.syncOptions?.setOption(.autoRead, value: isOn)
    }
}

/// How one connection is read: what it has brought, and whether it waits for its turns.
package struct PacedReading {
    /// What a channel reads with: small for small messages, growing with large ones.
    package static let buffers = AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 8192, maximum: 65536)
    /// How often a channel reads in one turn: whatever one connection has, it takes no more than one read of a turn.
    package static let readsInTurn: ChannelOptions.Types.MaxMessagesPerReadOption.Value = 1

    @usableFromInline var bytes = 0
    /// When it last had brought much; nil before it has.
    private var since: NIODeadline?
    private var reader: PacedReader?

    package init() {}

    /// Whether it waits for its turns.
    package var isPaced: Bool { reader != nil }

    /// Counts what was read; true where so much has come that `adjust` must say how the channel reads on.
    @inlinable
    package mutating func isDue(_ count: Int) -> Bool {
        bytes += count
        return bytes >= ReadShares.much
    }

    /// Has the channel wait for its turns, or read as it likes, by how many others bring much.
    ///
    /// `isWanted` says whether the connection reads at all at the moment.
    package mutating func adjust(_ connection: AnyObject, in channel: any Channel, _ shares: ReadShares, isWanted: Bool)
    {
        bytes = 0
        let now = channel.eventLoop.now
        // The first time it is not known how long it took: many new connections at once are what this is for.
        let isFast = since.map { now - $0 <= .seconds(1) } ?? true
        since = now
        guard isFast, shares.isCrowded(with: ObjectIdentifier(connection), at: now) else { return end() }
        guard reader == nil else { return }
        let new = PacedReader(channel, isWanted: isWanted)
        reader = new
        wait(new, shares)
    }

    /// A read has ended: the next one comes in its turn, unless the connection brings little by now.
    package mutating func hasRead(_ shares: ReadShares) {
        guard let reader else { return }
        if let since, shares.loop.now - since > .seconds(1) { return end() }
        wait(reader, shares)
    }

    /// Reads on, or holds reading back.
    package mutating func set(_ isWanted: Bool, in channel: (any Channel)?, _ shares: ReadShares) {
        guard let reader else {
            try? channel?.syncOptions?.setOption(.autoRead, value: isWanted)
            return
        }
        reader.isWanted = isWanted
        wait(reader, shares)
    }

    /// Reads as any other connection again.
    package mutating func reset() {
        bytes = 0
        end()
    }

    private func wait(_ reader: PacedReader, _ shares: ReadShares) {
        guard reader.isWanted, !reader.isWaiting else { return }
        reader.isWaiting = true
        shares.await(reader)
    }

    private mutating func end() {
        reader?.end()
        reader = nil
    }
}
