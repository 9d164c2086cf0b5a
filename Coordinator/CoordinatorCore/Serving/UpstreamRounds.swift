internal import Logging
internal import Registry
internal import ServiceKit

/// Asks upstream registries on their schedule, and says how that went.
///
/// Nobody waits for it, and nothing depends on it.
struct UpstreamRounds: Sendable {
    private let upstreams: Upstreams
    private let metrics: MetricsRegistry
    private let logger: Logger

    init(upstreams: Upstreams, metrics: MetricsRegistry, logger: Logger) {
        self.upstreams = upstreams
        self.metrics = metrics
        self.logger = logger
    }

    /// Asks the one that is due first; returns whether one was.
    func next() async throws -> Bool {
        guard let round = try await upstreams.askNext() else { return false }
        let outcome = round.error == nil ? "good" : "failed"
        metrics.counter(
            "doorward_registry_rounds_total",
            help: "Times that an upstream registry was asked.",
            labels: [("upstream", round.upstream), ("outcome", outcome)]
        ).add()
        if let error = round.error {
            logger.warning(
                "An upstream registry could not be read.",
                metadata: ["upstream": "\(round.upstream)", "cause": "\(error)"]
            )
        } else if let count = round.proposals, count > 0 {
            logger.notice(
                "An upstream registry has proposals for an administrator.",
                metadata: ["upstream": "\(round.upstream)", "proposals": "\(count)"]
            )
        }
        return true
    }
}
