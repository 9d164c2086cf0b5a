internal import Contract
internal import CoordinatorLink
internal import ServiceKit
internal import StrictJSON

/// Tells the coordinator how the servers of this machine do: a moment after a state has changed, and now and then.
///
/// Nothing depends on it, so one that does not arrive is not worth a word: the next one says all.
struct HealthReporter: Sendable {
    let client: CoordinatorClient
    let servers: @Sendable () async -> [JSONValue]

    private static let look = Duration.seconds(5)
    private static let longest = Duration.seconds(600)

    func run() async {
        var backoff = Backoff(first: .seconds(10), longest: .seconds(600))
        var told: HealthReport?
        var again = ContinuousClock.now
        while (try? await Task.sleep(for: Self.look)) != nil {
            let report = Self.report(await servers())
            let now = ContinuousClock.now
            guard now >= again || backoff.failures == 0 && report != told else { continue }
            guard client.key.isLoaded else { continue }
            do {
                let response = try await client.request(
                    method: "POST",
                    path: "/v1/agent/health",
                    headers: [("Content-Type", "application/json")],
                    body: report.json.bytes,
                    isIdempotent: true
                )
                _ = try CoordinatorAnswer.json(response)
                told = report
                backoff.reset()
                again = now + Self.longest
            } catch {
                again = now + backoff.failed(chance: .random(in: 0...1))
            }
        }
    }

    private static func report(_ servers: [JSONValue]) -> HealthReport {
        HealthReport(
            servers: servers.prefix(HealthReport.mostServers).compactMap { server in
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
        )
    }
}
