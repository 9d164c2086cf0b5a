internal import AuditSink
internal import Contract
internal import Definitions
internal import Fleet
internal import People
internal import PolicyStore
internal import Registry
internal import Rights
internal import ServiceKit

/// The first page: how calls went, and what waits for somebody.
struct OverviewPage: Sendable {
    let measures: Measures
    let registry: Registry
    let fleet: Fleet
    let definitions: ToolDefinitions
    let desk: PolicyStore

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/", for: Right.ReadRecords.self, query: ["span"]) { visit, permit in
                let span = visit.query["span"].flatMap { MeasureSpan(rawValue: $0) } ?? .day
                return try await page(visit, try await measures.report(span, for: permit))
            }
        ]
    }

    private func page(_ visit: Visit, _ report: MeasureReport) async throws -> PageAnswer {
        var view = OverviewView(
            spans: MeasureSpan.allCases.map {
                OverviewView.Span(
                    name: Self.name($0),
                    href: $0 == .day ? "/" : "/?span=\($0.rawValue)",
                    isCurrent: $0 == report.span
                )
            },
            period: "Last \(Self.name(report.span)), UTC",
            tiles: Self.tiles(report.total)
        )
        let items = try await attention(visit)
        view.attention = items.isEmpty ? nil : OverviewView.Attention(items: items)
        if report.total.calls == 0 {
            view.start = try await start(visit)
            if view.start == nil {
                view.quiet = EmptyState(
                    message: "Nothing was called in the last \(Self.name(report.span))",
                    next: "Look at a longer time, or point an MCP client at an agent: doorward client add NAME."
                )
            }
        } else {
            view.calls = Self.calls(report)
            view.numbers = Self.numbers(report)
            view.latency = Self.latency(report)
            view.servers = Self.table("Server", report.servers) { $0.isEmpty ? nil : "/servers/\($0)" }
            view.people = Self.table("Person", report.people) { "/audit?user=\($0)" }
        }
        return .page(
            view,
            in: visit.shell(.overview, "Overview", lede: "How calls went in the last \(Self.name(report.span))."),
            as: "overview"
        )
    }

    // MARK: What waits

    private func attention(_ visit: Visit) async throws -> [OverviewView.AttentionItem] {
        var items: [OverviewView.AttentionItem] = []
        if let permit = visit.permit(Right.ReadTools.self) {
            let waiting = try await definitions.list(server: nil, tool: nil, for: permit).count {
                $0.state == .quarantined
            }
            if waiting > 0 {
                let words = "\(Numbers.of(waiting, "tool definition waits", "tool definitions wait")) for approval"
                items.append(.init(tone: "warn", kind: "Tools", message: words, href: "/tools"))
            }
        }
        if let permit = visit.permit(Right.ReadServers.self) {
            for standing in try await fleet.serverStandings(for: permit).filter({ $0.count(.down) > 0 }).prefix(5) {
                let words = "\(standing.alias) is down on \(Numbers.of(standing.count(.down), "machine", "machines"))"
                items.append(.init(tone: "bad", kind: "Server", message: words, href: "/servers/\(standing.alias)"))
            }
        }
        if let permit = visit.permit(Right.ReadPolicy.self), try await desk.current(for: permit).version == 0 {
            items.append(
                .init(
                    tone: "warn",
                    kind: "Policy",
                    message: "No policy is in force: everything is denied",
                    href: "/policy"
                )
            )
        }
        return items
    }

    /// What has to be done before the first call is here.
    private func start(_ visit: Visit) async throws -> OverviewView.Start? {
        guard let servers = visit.permit(Right.ReadServers.self), let people = visit.permit(Right.ReadPeople.self),
            let policy = visit.permit(Right.ReadPolicy.self)
        else { return nil }
        let hasServer = try await !registry.entries(for: servers).isEmpty
        let hasPolicy = try await desk.current(for: policy).version > 0
        let hasMachine = try await fleet.agents(for: people).contains { $0.revokedWhy == nil }
        guard !hasServer || !hasPolicy || !hasMachine else { return nil }
        return OverviewView.Start(steps: [
            .init(
                name: "Enrol a machine",
                what: "Invite somebody, yourself first; the one-time token lets one machine in.",
                isDone: hasMachine,
                link: PageLink(name: "Invite somebody", href: "/people/invitations/new")
            ),
            .init(
                name: "Register a server",
                what: "Say where an MCP server is, or which program the agents start.",
                isDone: hasServer,
                link: PageLink(name: "Add a server", href: "/new-server")
            ),
            .init(
                name: "Apply a policy",
                what: "Everything that no rule grants is denied: grant the server to somebody.",
                isDone: hasPolicy,
                link: PageLink(name: "Write a policy", href: "/policy/edit")
            ),
            .init(
                name: "Make a call",
                what: "Point an MCP client at the agent (doorward client add NAME), and look here again.",
                isDone: false
            ),
        ])
    }
}
