internal import AgentState
internal import AuditLog
internal import Forwarding
internal import Spool

/// Says every five minutes that the agent runs, with what no record of its own stands for; silence is a gap that shows.
struct Heartbeat: Sendable {
    let forwarding: ForwardingService
    let spool: Spool
    let board: DataPathBoard

    private static let interval = Duration.seconds(300)
    /// How often the wall clock is asked whether the policy's time is over.
    private static let look = Duration.seconds(15)
    /// After how many looks the time is written down.
    private static let looksBetween = 4

    func run() async {
        var last = await forwarding.counts()
        var next = ContinuousClock.now + Self.interval
        var looks = 0
        defer { try? board.time.keep() }
        while true {
            do {
                try await Task.sleep(for: Self.look)
            } catch {
                return
            }
            await board.checkExpiry()
            looks += 1
            // Where it cannot be written, an older one stands: a little time is bought, by a full disk.
            if looks.isMultiple(of: Self.looksBetween) { try? board.time.keep() }
            guard ContinuousClock.now >= next else { continue }
            next += Self.interval
            let counts = await forwarding.counts()
            try? spool.record(
                .agentHeartbeat(
                    calls: counts.calls - last.calls,
                    notifications: counts.notifications - last.notifications,
                    pings: counts.pings - last.pings
                )
            )
            last = counts
        }
    }
}
