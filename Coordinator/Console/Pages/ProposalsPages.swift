internal import Bytes
internal import Contract
internal import Database
internal import Registry
internal import Rights
internal import ServiceKit

/// Servers that others have published, for an administrator to sign off; and the registries that they come from.
struct ProposalsPages: Sendable {
    let registry: Registry
    let upstreams: Upstreams

    private static let page = 50

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/proposals", for: Right.ReadServers.self, query: ["search", "state", "after"]) {
                visit,
                permit in
                try await list(visit, permit)
            },
            ConsolePage("GET", "/proposals/{id}", for: Right.ReadServers.self) { visit, permit in
                try await one(visit, permit)
            },
            ConsolePage("POST", "/proposals/{id}/approve", for: Right.EditServers.self) { visit, permit in
                do {
                    var choice = EntryChoice()
                    choice.alias = visit.form.optional("alias")
                    let review = try await registry.approve(visit.parameters[0], as: choice, by: permit)
                    let alias = review.entry?.server.alias ?? ""
                    return .redirect(to: alias.isEmpty ? "/servers" : "/servers/\(alias)", done: "added")
                } catch let refused as Refused {
                    return try await one(visit, try visit.caller.permit(), refused)
                }
            },
            ConsolePage("POST", "/proposals/{id}/reject", for: Right.EditServers.self) { visit, permit in
                do {
                    _ = try await registry.reject(visit.parameters[0], by: permit)
                    return .redirect(to: "/proposals", done: "rejected")
                } catch let refused as Refused {
                    return try await one(visit, try visit.caller.permit(), refused)
                }
            },
            ConsolePage("POST", "/proposals", for: Right.EditServers.self) { visit, permit in
                try await upstreams.askSoon(visit.form["registry"], by: permit)
                return .redirect(to: "/proposals", done: "asked")
            },
        ]
    }

    // MARK: All

    private func list(_ visit: Visit, _ permit: Permit<Right.ReadServers>) async throws -> PageAnswer {
        let form = Form(visit.query)
        var filter = Registry.ProposalFilter()
        filter.search = form.optional("search")
        filter.state = Proposal.State(rawValue: form.has("state") ? form["state"] : "waiting")
        let after = form.optional("after").map { Self.place($0) }
        let found = try await registry.proposals(filter, page: PageRequest(limit: Self.page, after: after), for: permit)
        var section = Section(
            "proposals",
            "Published by others",
            Table(
                "Servers that others have published",
                [.init("Server"), .init("Version"), .init("From"), .init("State"), .init("Since")],
                found.items.map { listed in
                    let proposal = listed.proposal
                    return Table.Row([
                        Cell(
                            VisibleText.of(proposal.name),
                            small: listed.updates.map { "A version of \($0)" },
                            href: "/proposals/\(proposal.id)"
                        ),
                        Cell(VisibleText.of(proposal.version)), Cell(Self.source(proposal)), Self.state(proposal),
                        .moment(proposal.madeAt),
                    ])
                }
            ),
            else: EmptyState(
                message: form.optional("search") == nil ? "Nothing waits" : "Nothing fits",
                next:
                    "Servers come here from an upstream registry, or with doorward admin servers import; nobody can use one "
                    + "before it is signed off."
            )
        )
        if found.next != nil, let last = found.items.last?.proposal {
            let fields = ["search", "state"].compactMap { name in form.optional(name).map { (name, $0) } }
            let query = FormBody.query(fields + [("after", "\(last.name)\u{1F}\(last.source)")])
            section.pager = Pager(text: "", items: [PageLink(name: "More", href: "/proposals?\(query)")])
        }
        var search = Section("search", "Look for")
        search.form = FormView(
            action: "/proposals",
            csrf: "",
            fields: [
                .text("search", "Words", in: form),
                .select(
                    "state",
                    "State",
                    [("waiting", "Waiting"), ("approved", "Signed off"), ("rejected", "Not taken"), ("", "All")],
                    usual: "waiting",
                    in: form
                ),
            ],
            submit: "Show",
            method: "get"
        )
        return .page(
            SectionsView(sections: [section, search, try await registries(visit, permit)]),
            in: visit.shell(
                .servers,
                "What others publish",
                lede: "Servers from elsewhere, which nobody can use before an administrator has signed them off.",
                parent: PageLink(name: "Servers", href: "/servers"),
                done: [
                    "rejected": "It waits no more, and comes back when its source says something else.",
                    "asked": "The registry will be asked within seconds.",
                ]
            )
        )
    }

    /// The values of the columns that order the list, as the last row had them.
    private static func place(_ text: String) -> [SQLValue] {
        let parts = text.split(separator: "\u{1F}", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return [.text(parts[0]), .text(parts.count > 1 ? parts[1] : "")]
    }

    private func registries(_ visit: Visit, _ permit: Permit<Right.ReadServers>) async throws -> Section {
        let standings = try await upstreams.standings(for: permit)
        var section = Section(
            "registries",
            "Upstream registries",
            Table(
                "Registries that are asked",
                [.init("Registry"), .init("State"), .init("Asked last"), .init("Waiting", isNumber: true)],
                standings.map(Self.row)
            ),
            else: EmptyState(
                message: "No registry is asked",
                next: "Name one in the settings of the registry: PUT /v1/settings/registry."
            )
        )
        if !standings.isEmpty, visit.may(.editServers) {
            let names = standings.map { ($0.setting.name, $0.setting.name) }
            section.form = FormView(
                action: "/proposals",
                csrf: visit.csrf,
                fields: [.select("registry", "Registry", names, in: visit.form)],
                submit: "Ask it now"
            )
        }
        return section
    }

    private static func row(_ standing: UpstreamStanding) -> Table.Row {
        let state: Cell
        if let error = standing.error {
            state = Cell("Fails", small: VisibleText.of(error), badge: .bad)
        } else if standing.succeededAt == nil {
            state = Cell("Not asked yet", badge: .calm)
        } else {
            let skipped =
                standing.skipped > 0 ? "\(Numbers.of(standing.skipped, "server", "servers")) could not be taken" : nil
            state = Cell("Answers", small: skipped, badge: .good)
        }
        return Table.Row([
            Cell(VisibleText.of(standing.setting.name)), state,
            standing.triedAt.map { Cell.moment($0) } ?? Cell("Never"),
            Cell(Numbers.count(standing.waiting)),
        ])
    }

    // MARK: One

    private func one(
        _ visit: Visit,
        _ permit: Permit<Right.ReadServers>,
        _ refused: Refused? = nil
    ) async throws -> PageAnswer {
        let review = try await registry.review(visit.parameters[0], for: permit)
        let proposal = review.proposal
        var facts = Section("facts", "What it is")
        facts.facts = Facts([
            ("Name", Cell(VisibleText.of(proposal.name), isCode: true)),
            ("Version", Cell(VisibleText.of(proposal.version))),
            ("From", Cell(Self.source(proposal))), ("State", Self.state(proposal)), ("Since", .moment(proposal.madeAt)),
        ])
        if let message = proposal.statusMessage { facts.texts = [VisibleText.of(message)] }
        var change = Section("change", review.updates == nil ? "What would be registered" : "What would change")
        if let problem = review.problem {
            change.empty = EmptyState(
                message: "It cannot be taken as it is: \(VisibleText.of(problem))",
                next: "Choose how with doorward admin servers import --help, or POST /v1/proposals/ID/approval."
            )
        } else {
            change.diff = DiffView("What differs", review.diff)
        }
        var sections = [facts, change]
        if visit.may(.editServers), proposal.state == .waiting, review.problem == nil {
            var sign = Section("sign", "Sign off", about: "Asks for a recent sign-in")
            sign.form = FormView(
                action: visit.path("/proposals/{}/approve"),
                csrf: visit.csrf,
                fields: review.updates == nil
                    ? [
                        .text(
                            "alias",
                            "Alias",
                            hint: "Left empty: \(review.entry?.server.alias ?? "made of its name").",
                            in: visit.form
                        )
                    ] : [],
                submit: "Sign it off"
            )
            var reject = Section("reject", "Or not")
            reject.form = FormView(
                action: visit.path("/proposals/{}/reject"),
                csrf: visit.csrf,
                submit: "Do not take it",
                isDanger: true
            )
            sections += [sign, reject]
        }
        return .page(
            SectionsView(sections: sections),
            in: visit.shell(
                .servers,
                VisibleText.of(proposal.name),
                parent: PageLink(name: "What others publish", href: "/proposals"),
                refused: refused
            ),
            refused: refused
        )
    }

    private static func source(_ proposal: Proposal) -> String {
        proposal.source.isEmpty ? "Brought in" : VisibleText.of(proposal.source)
    }

    private static func state(_ proposal: Proposal) -> Cell {
        switch proposal.state {
        case .waiting:
            proposal.status == .active
                ? Cell("Waiting", badge: .warn) : Cell("Waiting", small: proposal.status.rawValue, badge: .warn)
        case .approved: Cell("Signed off", badge: .good)
        case .rejected: Cell("Not taken", badge: .calm)
        }
    }
}
