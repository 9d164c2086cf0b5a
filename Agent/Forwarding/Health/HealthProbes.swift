internal import NIOCore
internal import ServiceKit

/// Has every server asked at its interval whether it is there.
final class HealthProbes {
    private let path: DataPath
    private var timer: Scheduled<Void>?

    init(path: DataPath) {
        self.path = path
    }

    /// There may be other servers than before.
    func serversChanged() {
        timer?.cancel()
        guard !path.isEnding, path.gate.closure == nil else { return }
        let now = path.gate.now()
        for server in path.gate.servers where server.probes == nil {
            let chance = Double.random(in: 0..<1)
            server.probes = ProbeSchedule(interval: server.healthInterval, now: now, chance: chance)
            server.showHealth(now: path.gate.clock.wall())
        }
        schedule(now)
    }

    func end() {
        timer?.cancel()
        timer = nil
    }

    private func schedule(_ now: Int64) {
        let next = path.gate.servers.compactMap(\.probes?.next).min() ?? .max
        guard next < .max else { return }
        timer = path.loop.assumeIsolated().scheduleTask(in: .nanoseconds(max(next - now, 100_000_000))) { self.look() }
    }

    private func look() {
        let now = path.gate.now()
        for server in path.gate.servers where server.probes?.isDue(now, answered: server.answered) ?? false {
            HealthProbe.begin(server, on: path)
        }
        schedule(now)
    }
}
