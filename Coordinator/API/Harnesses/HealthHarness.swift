internal import Database
internal import HTTPTypes
internal import People
internal import ServiceKit

/// `/healthz`, `/readyz`, `/metrics`: for whoever watches over the coordinator.
struct HealthHarness: Sendable {
    let database: SQLDatabase
    let metrics: MetricsRegistry

    var operations: [Operation] {
        [
            Operation("GET", "/healthz", for: .anonymous) { _ in .text("ok\n") },
            Operation("GET", "/readyz", for: .anonymous) { _ in
                // A look into the file, not only at the process.
                _ = try await database.read { view in try view.first("SELECT id FROM revision") }
                return .text("ready\n")
            },
            Operation("GET", "/metrics", for: .right(.readMetrics)) { _ in
                .text(metrics.text(), type: MetricsRegistry.mediaType)
            },
        ]
    }
}
