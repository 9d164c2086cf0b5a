package import ServiceKit

/// The web API: every operation, over the domain.
package struct CoordinatorAPI: Sendable {
    /// What answers requests.
    package let responder: APIResponder

    /// - Parameters:
    ///   - domain: What is asked.
    ///   - metrics: Where requests are counted, and what `/metrics` shows.
    ///   - clock: The time.
    ///   - isStrictTransport: Whether browsers may be told to use nothing but TLS for this host from now on.
    package init(_ domain: Domain, metrics: MetricsRegistry, clock: MachineClock, isStrictTransport: Bool) {
        let operations =
            HealthHarness(database: domain.database, metrics: metrics).operations
            + ServersHarness(registry: domain.registry).operations
            + PolicyHarness(desk: domain.desk).operations
            + PeopleHarness(people: domain.people, clock: clock).operations
            + TokensHarness(people: domain.people).operations
            + AgentsHarness(
                fleet: domain.fleet,
                log: domain.log,
                database: domain.database,
                logs: domain.logs,
                intake: domain.intake
            ).operations
            + RecordsHarness(removal: domain.removal).operations
            + ReportsHarness(reports: domain.reports, clock: clock).operations
        responder = APIResponder(
            routes: RouteTable(operations),
            authentication: Authentication(
                fleet: domain.fleet,
                people: domain.people,
                database: domain.database,
                clock: clock
            ),
            metrics: metrics,
            isStrictTransport: isStrictTransport
        )
    }
}
