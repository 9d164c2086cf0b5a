internal import API
internal import AuditSink
internal import Logging
internal import PolicyDesk
internal import ServiceLifecycle

/// What the coordinator does on its own account.
struct Housekeeping: Sendable {
    let domain: Domain
    let logger: Logger

    /// Each does a little at a time and stands back for requests.
    var services: [any Service] {
        let indexer = SearchIndexer(database: domain.database)
        return [
            // What was uploaded becomes quick to find; until then it is found by looking into it.
            Periodic(name: "search", interval: .seconds(1), logger: logger) { try await indexer.step() },
            // A bundle lasts seven days and is signed again after half of them.
            Periodic(name: "bundle", interval: .seconds(600), logger: logger) { [desk = domain.desk] in
                if try await desk.renewIfDue() { logger.info("The policy's bundle was signed again.") }
                return false
            },
        ]
    }
}
