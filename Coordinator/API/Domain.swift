package import AuditSink
package import Database
package import Definitions
package import Fetch
package import Fleet
package import People
package import PolicyStore
package import Registry
package import ServiceKit
package import SignIn

/// The domain that the API is built on.
package struct Domain: Sendable {
    package let database: SQLDatabase
    package let log: OrgLog
    package let registry: Registry
    package let upstreams: Upstreams
    package let definitions: ToolDefinitions
    package let people: People
    package let sessions: BrowserSessions
    package let desk: PolicyStore
    package let fleet: Fleet
    package let logs: AgentLogs
    package let intake: AgentLogIntake
    package let reports: Reports
    package let removal: LogRemoval
    package let measures: Measures
    package let records: RecordLog
    package let jobs: ReportJobs
    package let changes: ChangeLog

    /// The domain over one database.
    ///
    /// - Parameters:
    ///   - database: Where everything is.
    ///   - key: The coordinator's key, with the names under which it signs.
    ///   - revisions: Counts what agents are told of, and wakes those who wait.
    ///   - clock: The time.
    ///   - authority: The certificate of the coordinator's own CA (DER).
    ///   - folder: The data folder: reports are held there while they are made and sent, and it may have tokens for
    ///     upstream registries.
    ///   - uploads: What one machine may bring of records.
    ///   - fetcher: Asks the servers of others.
    package init(
        database: SQLDatabase,
        key: CoordinatorKey,
        revisions: Revisions,
        clock: MachineClock,
        authority: [UInt8]?,
        folder: String,
        uploads: UploadLimits = .usual,
        fetcher: Fetcher = Fetcher()
    ) {
        let log = OrgLog(key: key)
        let registry = Registry(database: database, log: log, revisions: revisions, clock: clock)
        let definitions = ToolDefinitions(database: database, log: log, revisions: revisions, clock: clock)
        let people = People(
            database: database,
            log: log,
            revisions: revisions,
            clock: clock,
            authority: authority
        )
        let desk = PolicyStore(database: database, log: log, revisions: revisions, clock: clock, people: people)
        self.database = database
        self.log = log
        self.registry = registry
        let credentials = UpstreamCredentials(folder: "\(folder)/upstreams")
        upstreams = Upstreams(registry: registry, fetcher: fetcher, credentials: credentials)
        self.definitions = definitions
        self.people = people
        sessions = BrowserSessions(database: database, clock: clock)
        self.desk = desk
        fleet = Fleet(
            database: database,
            log: log,
            revisions: revisions,
            clock: clock,
            people: people,
            registry: registry,
            definitions: definitions,
            desk: desk
        )
        logs = AgentLogs(database: database)
        intake = AgentLogIntake(database: database, log: log, clock: clock, limits: uploads)
        reports = Reports(database: database, log: log, clock: clock, folder: folder)
        removal = LogRemoval(database: database, log: log, clock: clock)
        measures = Measures(database: database, clock: clock)
        records = RecordLog(database: database, log: log)
        jobs = ReportJobs(reports: reports, clock: clock)
        changes = ChangeLog(database: database, log: log)
    }
}
