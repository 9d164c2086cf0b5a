internal import Contract
internal import CoordinatorLink
internal import ServiceKit
internal import StrictJSON

/// Tells the coordinator how this machine and its servers do: a moment after a state has changed, and now and then.
///
/// Nothing depends on it, so one that does not arrive is not worth a word: the next one says all.
struct HealthReporter: Sendable {
    let client: CoordinatorClient
    let servers: @Sendable () async -> [JSONValue]
    /// How many records the coordinator does not have.
    let pending: @Sendable () -> Int

    private static let look = Duration.seconds(5)
    private static let longest = Duration.seconds(600)
    /// While records wait, how many they are is told more often.
    private static let whileWaiting = Duration.seconds(60)
    /// What the end of the agent waits for at most.
    private static let farewell = Duration.seconds(2)

    func run() async {
        var backoff = Backoff(first: .seconds(10), longest: .seconds(600))
        var told: HealthReport?
        var again = ContinuousClock.now
        while (try? await Task.sleep(for: Self.look)) != nil {
            let report = await report()
            let now = ContinuousClock.now
            guard now >= again || backoff.failures == 0 && report.servers != told?.servers else { continue }
            guard client.key.isLoaded else { continue }
            do {
                try await send(report, timeout: .seconds(30))
                told = report
                backoff.reset()
                again = now + (report.pendingRecords ?? 0 > 0 ? Self.whileWaiting : Self.longest)
            } catch {
                again = now + backoff.failed(chance: .random(in: 0...1))
            }
        }
    }

    /// Says that the agent ends, so that nobody takes its silence for trouble.
    func tellEnd() async {
        guard client.key.isLoaded else { return }
        try? await send(await report(isEnding: true), timeout: Self.farewell)
    }

    private func send(_ report: HealthReport, timeout: Duration) async throws {
        let response = try await client.request(
            method: "POST",
            path: "/v1/agent/health",
            headers: [("Content-Type", "application/json")],
            body: report.json.bytes,
            timeout: timeout,
            isIdempotent: true
        )
        _ = try CoordinatorAnswer.json(response)
    }

    private func report(isEnding: Bool = false) async -> HealthReport {
        let servers = await servers().prefix(HealthReport.mostServers).compactMap { server -> HealthReport.Server? in
            guard let alias = server["alias"]?.text,
                let state = (server["state"]?.text).flatMap({ HealthReport.Server.State(rawValue: $0) })
            else { return nil }
            return HealthReport.Server(
                alias: alias,
                state: state,
                since: server["since"]?.text,
                error: server["error"]?.text
            )
        }
        return HealthReport(
            servers: servers,
            pendingRecords: pending(),
            clockAhead: client.clockAhead,
            isEnding: isEnding
        )
    }
}
