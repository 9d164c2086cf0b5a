internal import Contract
internal import Database
internal import HTTPTypes
internal import Logging
internal import People
internal import ServiceKit

/// `/healthz`, `/readyz`, `/metrics`: for whoever watches over the coordinator.
struct HealthHarness: Sendable {
    let database: SQLDatabase
    let metrics: MetricsRegistry

    var operations: [Operation] {
        [
            Operation("GET", "/healthz", for: .anonymous) { _ in .text("ok\n") },
            Operation("GET", "/readyz", for: .anonymous) { call in
                // A look into the file, not only at the process.
                do {
                    _ = try await database.read { view in try view.first("SELECT id FROM revision") }
                } catch {
                    call.logger.error("The database cannot be read.", metadata: ["cause": "\(Failure.words(error))"])
                    throw Problem.unavailable("The database cannot be read.")
                }
                return .text("ready\n")
            },
            Operation("GET", "/metrics", for: .right(.readMetrics)) { _ in
                .text(metrics.text(), type: MetricsRegistry.mediaType)
            },
        ]
    }
}
