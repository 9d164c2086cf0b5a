import NIOCore

/// How long a connection may rest before its server is likely to close it under the next request.
///
/// Many servers close after a few seconds and do not say so. A request that crosses the closing on the wire is lost and
/// must not be sent twice, so what was seen once is avoided for a while: connections are given up earlier than that.
struct IdleLimit {
    private let configured: TimeAmount
    private var learned: TimeAmount?
    private var learnedUntil = NIODeadline.uptimeNanoseconds(0)
    private static let memory = TimeAmount.minutes(10)
    private static let shortest = TimeAmount.seconds(1)

    init(_ configured: TimeAmount) {
        self.configured = configured
    }

    func current(at now: NIODeadline) -> TimeAmount {
        guard let learned, now < learnedUntil else { return configured }
        return min(learned, configured)
    }

    /// The server closed a connection that had rested so long.
    mutating func serverClosed(afterIdle idle: TimeAmount, at now: NIODeadline) {
        // What is closed sooner than this is a restart, not a habit.
        guard idle >= Self.shortest else { return }
        let limit = max(.nanoseconds(idle.nanoseconds / 4 * 3), Self.shortest)
        if let learned, now < learnedUntil, learned < limit { return }
        learned = limit
        learnedUntil = now + Self.memory
    }
}
