internal import API
internal import AuditSink
internal import Database
internal import Logging
internal import PolicyStore
internal import ServiceKit
internal import ServiceLifecycle

/// What the coordinator does on its own account.
struct Housekeeping: Sendable {
    let domain: Domain
    let metrics: MetricsRegistry
    let logger: Logger

    /// Each does a little at a time and gives way to requests.
    var services: [any Service] {
        let watch = StorageWatch(database: domain.database, metrics: metrics, logger: logger)
        let rounds = UpstreamRounds(upstreams: domain.upstreams, metrics: metrics, logger: logger)
        return [
            ReportWorker(jobs: domain.jobs),
            Periodic(name: "room", interval: .seconds(1), logger: logger) {
                try await watch.look()
                return false
            },
            // What was removed leaves the database, and then the file.
            Periodic(name: "removal", interval: .seconds(1), logger: logger) { [domain] in
                if try await domain.removal.sweep() { return true }
                return try await domain.database.giveBack()
            },
            // A bundle lasts seven days and is signed again after half of them.
            Periodic(name: "bundle", interval: .seconds(600), logger: logger) { [desk = domain.desk] in
                if try await desk.renewIfDue() { logger.info("The policy's bundle was signed again.") }
                return false
            },
            Periodic(name: "upstreams", interval: .seconds(2), logger: logger) { try await rounds.next() },
        ]
    }
}
