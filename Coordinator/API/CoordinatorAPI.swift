package import ServiceKit
internal import SignIn

/// The web API: every operation, over the domain.
package struct CoordinatorAPI: Sendable {
    /// What answers requests.
    package let responder: APIResponder

    /// - Parameters:
    ///   - domain: What is asked.
    ///   - metrics: Where requests are counted, and what `/metrics` shows.
    ///   - clock: The time.
    ///   - door: Where the coordinator stands, for browsers.
    ///   - isStrictTransport: Whether browsers may be told to use nothing but TLS for this host from now on.
    package init(
        _ domain: Domain,
        metrics: MetricsRegistry,
        clock: MachineClock,
        door: BrowserDoor,
        isStrictTransport: Bool
    ) {
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
            PeopleRoutes(people: domain.people, clock: clock).operations,
            TokensRoutes(people: domain.people).operations,
            AgentsRoutes(
                fleet: domain.fleet,
                log: domain.log,
                database: domain.database,
                logs: domain.logs,
                intake: domain.intake
            ).operations,
            SignInRoutes(domain, door: door, clock: clock).operations,
            RecordsRoutes(removal: domain.removal).operations,
            ReportsRoutes(reports: domain.reports, clock: clock).operations,
        ]
        responder = APIResponder(
            routes: RouteTable(operations.flatMap { $0 }),
            authentication: Authentication(domain, door: door, clock: clock),
            kept: KeptAnswers(database: domain.database, clock: clock),
            metrics: metrics,
            isStrictTransport: isStrictTransport
        )
    }
}
