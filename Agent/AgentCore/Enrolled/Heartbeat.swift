internal import AgentState
internal import AuditLog
internal import Forwarding
internal import Spool

/// Records every five minutes that the agent runs, with what no other record contains; silence is a gap that shows.
struct Heartbeat: Sendable {
    let forwarding: ForwardingService
    let spool: Spool
    let board: DataPathController

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
            // If the time cannot be written, the file keeps an older one: a full disk buys a little time.
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
