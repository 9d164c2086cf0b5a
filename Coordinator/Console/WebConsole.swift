package import AuditSink
package import Definitions
package import Fleet
package import People
package import PolicyStore
package import Registry

/// The coordinator in a browser: pages that are rendered here and need no script.
///
/// Each page is a thin view of what the domain does and the API offers too, with the same rights. It knows nothing of HTTP:
/// who mounts it proves the caller, checks that a form is ours, and sends what comes of it.
package struct WebConsole: Sendable {
    /// Every page and form.
    package let pages: [ConsolePage]
    /// How the coordinator is set up.
    package let settings: CoordinatorSettings

    /// The pages over a domain.
    package init(
        measures: Measures,
        records: RecordLog,
        jobs: ReportJobs,
        changes: ChangeLog,
        registry: Registry,
        upstreams: Upstreams,
        definitions: ToolDefinitions,
        people: People,
        desk: PolicyStore,
        fleet: Fleet,
        settings: CoordinatorSettings
    ) {
        self.settings = settings
        let once = ShownOnce()
        let all: [[ConsolePage]] = [
            OverviewPage(measures: measures, registry: registry, fleet: fleet, definitions: definitions, desk: desk)
                .pages,
            ServersPages(registry: registry, fleet: fleet).pages,
            ProposalsPages(registry: registry, upstreams: upstreams).pages, ToolsPages(definitions: definitions).pages,
            PolicyPages(desk: desk).pages,
            PeoplePages(people: people, fleet: fleet, desk: desk, once: once).pages, AgentsPages(fleet: fleet).pages,
            TokensPages(people: people, once: once).pages, AuditPages(records: records).pages,
            ReportsPages(jobs: jobs).pages, ChangesPages(changes: changes).pages,
            SettingsPages(settings: settings).pages,
        ]
        pages = all.flatMap { $0 }
    }
}
