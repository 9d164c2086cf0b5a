internal import Contract
internal import Database
internal import HTTPTypes
internal import Logging
internal import Rights
internal import ServiceKit

/// `/healthz`, `/readyz`, `/metrics`: for the programs that watch over the coordinator.
struct HealthRoutes: Sendable {
    let database: SQLDatabase
    let metrics: MetricsRegistry

    var operations: [Operation] {
        [
            Operation("GET", "/healthz", for: .anonymous) { _ in .text("ok\n") },
            Operation("GET", "/readyz", for: .anonymous) { call in
                // A look into the file and at the disk, not only at the process.
                do {
                    _ = try await database.read { view in try view.first("SELECT id FROM revision") }
                } catch {
                    call.logger.error("The database cannot be read.", metadata: ["cause": "\(Failure.words(error))"])
                    throw Problem.unavailable("The database cannot be read.")
                }
                do {
                    try await database.checkWriting()
                } catch {
                    call.logger.error("Nothing can be written.", metadata: ["cause": "\(Failure.words(error))"])
                    throw Problem.unavailable("Nothing can be written to the database.")
                }
                switch database.room {
                case .ample: return .text("ready\n")
                // Not 503: a balancer that goes by this page would keep out those who can make room, and an agent that
                // uploads enough could bring that about.
                case .scarce(let free):
                    return .text("ready, but no records are taken: the disk has only \(free >> 20) MiB free\n")
                case .full: throw Problem.diskFull
                }
            },
            Operation("GET", "/metrics", for: Right.ReadMetrics.self) { _, _ in
                .text(metrics.text(), type: MetricsRegistry.mediaType)
            },
        ]
    }
}
