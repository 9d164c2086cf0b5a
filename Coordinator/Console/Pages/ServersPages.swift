internal import Contract
internal import Fleet
internal import Registry
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// The servers that the organisation knows, with how they do.
struct ServersPages: Sendable {
    let registry: Registry
    let fleet: Fleet

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/servers", for: Right.ReadServers.self) { visit, permit in
                try await list(visit, permit)
            },
            ConsolePage("GET", "/new-server", for: Right.EditServers.self) { visit, _ in form(visit, Form.empty) },
            ConsolePage("POST", "/new-server", for: Right.EditServers.self) { visit, permit in
                do {
                    let entry = try Self.entry(visit.form)
                    try await registry.add(entry, by: permit)
                    return .redirect(to: "/servers/\(entry.server.alias)", done: "added")
                } catch let refused as Refused {
                    return form(visit, visit.form.refused(refused), refused)
                }
            },
            ConsolePage("GET", "/servers/{alias}", for: Right.ReadServers.self) { visit, permit in
                try await one(visit, permit)
            },
            ConsolePage("GET", "/servers/{alias}/remove", for: Right.EditServers.self) { visit, _ in
                removal(visit)
            },
            ConsolePage("POST", "/servers/{alias}/remove", for: Right.EditServers.self) { visit, permit in
                do {
                    try await registry.remove(visit.parameters[0], by: permit)
                } catch let refused as Refused {
                    return removal(visit, refused)
                }
                return .redirect(to: "/servers", done: "removed")
            },
        ]
    }

    // MARK: Looking

    private func list(_ visit: Visit, _ permit: Permit<Right.ReadServers>) async throws -> PageAnswer {
        let entries = try await registry.entries(for: permit)
        let standings = try await standings(permit)
        let rows = entries.map { entry in
            let server = entry.server
            return Table.Row([
                Cell(server.alias, small: Self.title(entry), href: "/servers/\(server.alias)"),
                Self.state(standings[server.alias]), Cell(Self.sights(standings[server.alias])),
                Cell(Self.kind(server)), Cell(server.authorization.kind == .oauth ? "Each person signs in" : "None"),
            ])
        }
        let table = Table(
            "The servers of the registry",
            [Table.Column("Server"), .init("State"), .init("Machines"), .init("How it is reached"), .init("Sign-in")],
            rows
        )
        let add = PageLink(name: "Add a server", href: "/new-server")
        let empty = EmptyState(
            message: "No server is registered yet",
            next: "Add the first one: people can use it as soon as the policy grants it to them.",
            link: visit.may(.editServers) ? add : nil
        )
        return .page(
            SectionsView(
                actions: Actions(
                    items: [Action("What others publish", "/proposals")]
                        + (visit.may(.editServers) ? [Action("Add a server", "/new-server", isPrimary: true)] : [])
                ),
                sections: [Section("registry", "Registry", about: Self.count(entries.count), table, else: empty)]
            ),
            in: visit.shell(
                .servers,
                "Servers",
                lede: "The MCP servers that the organisation knows, as its machines see them.",
                done: ["removed": "The server was removed. Machines that are online forget it within seconds."]
            )
        )
    }

    private func one(_ visit: Visit, _ permit: Permit<Right.ReadServers>) async throws -> PageAnswer {
        let alias = visit.parameters[0]
        let entries = try await registry.entries(for: permit)
        guard let entry = entries.first(where: { $0.server.alias.utf8.elementsEqual(alias.utf8) }) else {
            throw Refused.noSuchServer
        }
        let standing = try await standings(permit)[alias]
        var facts = Section("entry", "What it is")
        facts.facts = Self.facts(entry)
        let sights = Section(
            "sights",
            "As machines see it",
            about: Self.sights(standing),
            Table(
                "The state of the server on each machine",
                [.init("Machine"), .init("State"), .init("Since"), .init("Why")],
                (standing?.sights ?? []).prefix(200).map { sight in
                    Table.Row([
                        Cell(sight.user, small: VisibleText.of(sight.hostname), href: "/agents/\(sight.agentID)"),
                        Self.state(sight.server.state), Self.since(sight.server.since),
                        Cell(VisibleText.of(sight.server.error ?? "")),
                    ])
                }
            ),
            else: EmptyState(
                message: "No machine has said how it does",
                next: "Machines say so once somebody who may use the server has called it, or where its entry has "
                    + "a health interval."
            )
        )
        var document = Section("document", "Its server.json")
        document.code = Code(name: "server.json", text: Self.document(entry))
        let remove = Action("Remove this server", "/servers/\(alias)/remove", isDanger: true)
        return .page(
            SectionsView(
                actions: Actions(
                    items: [
                        Action("Its tools", "/tools?server=\(alias)"), Action("Its records", "/audit?server=\(alias)"),
                    ]
                        + (visit.may(.editServers) ? [remove] : [])
                ),
                sections: [facts, sights, document]
            ),
            in: visit.shell(
                .servers,
                alias,
                lede: Self.title(entry),
                parent: PageLink(name: "Servers", href: "/servers"),
                done: ["added": "The server was added. It can be used by those to whom the policy grants it."]
            )
        )
    }

    private func standings(_ permit: Permit<Right.ReadServers>) async throws -> [String: ServerStanding] {
        let all = try await fleet.serverStandings(for: permit)
        return Dictionary(all.map { ($0.alias, $0) }) { first, _ in first }
    }

    // MARK: Removing

    private func removal(_ visit: Visit, _ refused: Refused? = nil) -> PageAnswer {
        let alias = visit.parameters[0]
        return .confirm(
            ConfirmView(
                consequences: [
                    "Machines that are online stop serving \(VisibleText.of(alias)) within seconds, others when they come back.",
                    "The definitions of its tools, and who approved them, are forgotten.",
                    "Its records stay, and rules of the policy that name it match nothing.",
                ],
                form: .confirmation(
                    visit,
                    visit.path("/servers/{}/remove"),
                    "Remove it",
                    cancel: visit.path("/servers/{}")
                )
            ),
            in: visit.shell(
                .servers,
                "Remove \(VisibleText.of(alias))?",
                parent: PageLink(name: "Servers", href: "/servers"),
                refused: refused
            ),
            refused: refused
        )
    }
}
