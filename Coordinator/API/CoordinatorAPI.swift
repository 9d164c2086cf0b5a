internal import AuditLog
internal import AuditSink
package import Console
internal import Contract
internal import People
package import ServiceKit
package import SignIn
internal import TransparencyLog

/// The web API: every operation, over the domain.
package struct CoordinatorAPI: Sendable {
    /// What answers requests.
    package let responder: APIResponder

    /// - Parameters:
    ///   - domain: What is asked.
    ///   - metrics: Where requests are counted, and what `/metrics` shows.
    ///   - clock: The time.
    ///   - door: Where the coordinator stands, for browsers.
    ///   - provider: The identity provider that people sign in at, if there is one.
    ///   - settings: How the coordinator was told to be where it was started, for those who administer it.
    ///   - isStrictTransport: Whether browsers may be told to use nothing but TLS for this host from now on.
    package init(
        _ domain: Domain,
        metrics: MetricsRegistry,
        clock: MachineClock,
        door: BrowserDoor,
        provider: Provider? = nil,
        settings: [CoordinatorSettings.Group] = [],
        isStrictTransport: Bool
    ) {
        let key = domain.log.key
        let identity = CoordinatorSettings.Group(
            "coordinator",
            "This coordinator",
            [
                CoordinatorSettings.Value("url", "Address", door.origin, isCode: true),
                CoordinatorSettings.Value(
                    "key",
                    "Key",
                    key.publicKey.fingerprint,
                    about: "What it signs policies and the organisation's log with; machines have pinned it",
                    isCode: true
                ),
                CoordinatorSettings.Value("log", "Organisation's log", key.names.audit, isCode: true),
                CoordinatorSettings.Value("release", "Release", Release.version),
            ]
        )
        let console = WebConsole(
            measures: domain.measures,
            records: domain.records,
            jobs: domain.jobs,
            changes: domain.changes,
            registry: domain.registry,
            upstreams: domain.upstreams,
            definitions: domain.definitions,
            people: domain.people,
            desk: domain.desk,
            fleet: domain.fleet,
            settings: CoordinatorSettings([identity] + settings)
        )
        let operations: [[Operation]] = [
            HealthRoutes(database: domain.database, metrics: metrics).operations,
            ServersRoutes(registry: domain.registry).operations,
            ProposalsRoutes(registry: domain.registry, upstreams: domain.upstreams).operations,
            CatalogRoutes(fleet: domain.fleet, registry: domain.registry).operations,
            RegistrySettingsRoutes(registry: domain.registry).operations,
            UpstreamsRoutes(upstreams: domain.upstreams).operations,
            ToolsRoutes(definitions: domain.definitions).operations,
            PolicyRoutes(desk: domain.desk).operations,
            PolicyHistoryRoutes(desk: domain.desk).operations,
            PolicyTrialRoutes(desk: domain.desk, clock: clock).operations,
            LimitsRoutes(database: domain.database, desk: domain.desk, registry: domain.registry).operations,
            PeopleRoutes(people: domain.people).operations,
            InvitationsRoutes(people: domain.people, clock: clock).operations,
            GroupsRoutes(groups: Groups(domain.people)).operations,
            ChangesRoutes(changes: domain.changes, clock: clock).operations,
            TokensRoutes(people: domain.people).operations,
            AgentsRoutes(
                fleet: domain.fleet,
                hasProvider: provider != nil,
                log: domain.log,
                database: domain.database,
                logs: domain.logs,
                intake: domain.intake
            ).operations,
            SignInRoutes(domain, door: door, provider: provider, clock: clock).operations,
            MachineRoutes(domain).operations,
            RecordsRoutes(removal: domain.removal).operations,
            ReportsRoutes(reports: domain.reports, clock: clock).operations,
            ReportJobsRoutes(jobs: domain.jobs, clock: clock).operations,
            LookRoutes(measures: domain.measures, records: domain.records, fleet: domain.fleet, clock: clock)
                .operations,
            ConsoleRoutes(console: console, clock: clock).operations,
        ]
        let all = operations.flatMap { $0 }
        responder = APIResponder(
            routes: RouteTable(all + DescriptionRoutes(of: all).operations),
            authentication: Authentication(domain, door: door, clock: clock),
            kept: KeptAnswers(database: domain.database, clock: clock),
            metrics: metrics,
            isStrictTransport: isStrictTransport
        )
    }
}
