internal import Bytes
internal import Contract
internal import Definitions
internal import Rights
internal import ServiceKit
internal import TransparencyLog

/// How servers describe their tools, and which descriptions may be shown.
struct ToolsPages: Sendable {
    let definitions: ToolDefinitions

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/tools", for: Right.ReadTools.self, query: ["server", "state"]) { visit, permit in
                try await list(visit, permit)
            },
            // The name of a tool is in the query: it may be anything, and a path may not.
            ConsolePage(
                "GET",
                "/tools/definition",
                for: Right.ReadTools.self,
                query: ["server", "tool", "definition"]
            ) { visit, permit in
                let standing = try await standing(visit.query, permit)
                return page(visit, standing)
            },
            ConsolePage("POST", "/tools/approve-all", for: Right.ApproveTools.self) { visit, permit in
                do {
                    guard let listing = Hash(base64URL: visit.form["listing"]) else { throw Refused.noSuchDefinition }
                    _ = try await definitions.approveAll(visit.form["server"], listing: listing, by: permit)
                    return .redirect(to: "/tools", done: "all")
                } catch let refused as Refused {
                    return try await list(visit, try visit.caller.permit(), refused)
                }
            },
            ConsolePage("POST", "/tools/definition", for: Right.ApproveTools.self) { visit, permit in
                do {
                    // The form has no name of a stranger in it: server and hash say which tool it is.
                    let standing = try await standing(
                        ["server": visit.form["server"], "definition": visit.form["definition"]],
                        try visit.caller.permit()
                    )
                    _ = try await definitions.approve(
                        standing.server,
                        standing.tool,
                        definition: standing.definition,
                        by: permit
                    )
                    return .redirect(to: "/tools", done: "approved")
                } catch let refused as Refused {
                    return try await list(visit, try visit.caller.permit(), refused)
                }
            },
        ]
    }

    // MARK: All

    private func list(
        _ visit: Visit,
        _ permit: Permit<Right.ReadTools>,
        _ refused: Refused? = nil
    ) async throws -> PageAnswer {
        let server = visit.query["server"]
        let all = try await definitions.list(server: server, tool: nil, for: permit)
        let waiting = all.filter { $0.state == .quarantined }
        let approved = all.filter { $0.state == .approved }
        let columns = [Table.Column("Tool"), .init("Server"), .init("State"), .init("Since"), .init("By")]
        func row(_ standing: ToolStanding) -> Table.Row {
            let isNew = standing.state == .quarantined && standing.approved == nil
            let differs = standing.sights.others.isEmpty ? nil : "Machines were shown different ones"
            let state = standing.state == .approved ? "Approved" : isNew ? "New" : "Changed"
            let by = standing.approvedBy ?? (standing.state == .approved ? "First use" : "")
            return Table.Row([
                Cell(VisibleText.of(standing.tool), small: differs, href: Self.href(standing), isCode: true),
                Cell(standing.server),
                Cell(state, badge: standing.state == .approved ? .good : .warn), .moment(standing.since), Cell(by),
            ])
        }
        let first = Section(
            "waiting",
            "Waiting for approval",
            about: Numbers.of(waiting.count, "definition", "definitions"),
            Table("Definitions that are held back", columns, waiting.map(row)),
            else: EmptyState(
                message: "Nothing waits",
                next: "A tool whose description is new or has changed is held back from models until somebody has "
                    + "looked at it here."
            )
        )
        let second = Section(
            "approved",
            "Approved",
            about: Numbers.of(approved.count, "definition", "definitions"),
            Table("Definitions that clients are shown", columns, approved.prefix(500).map(row)),
            else: EmptyState(
                message: "No machine was shown a tool yet",
                next: "Definitions come in with the first list of tools that a client asks for through Doorward."
            )
        )
        return .page(
            SectionsView(sections: [first] + (visit.may(.approveTools) ? Self.together(visit, all) : []) + [second]),
            in: visit.shell(
                .tools,
                "Tool definitions",
                lede: server.map { "How \(VisibleText.of($0)) describes its tools." }
                    ?? "How servers describe their tools to models, and what of it may be shown.",
                done: [
                    "approved": "The definition was approved. Clients are shown the tool from now on.",
                    "all": "The definitions were approved. Those that machines were shown differently still wait.",
                ],
                refused: refused
            ),
            refused: refused
        )
    }

    /// For each server of which several definitions wait: all that are not doubtful at once.
    private static func together(_ visit: Visit, _ all: [ToolStanding]) -> [Section] {
        WaitingTools.all(among: all).filter { $0.plain.count > 1 }.map { waiting in
            var section = Section("all-of-\(waiting.server)", "All that wait of \(waiting.server)")
            section.texts = [
                "Approve them together once you have looked at each: \(Numbers.of(waiting.plain.count, "definition", "definitions"))."
            ]
            if !waiting.doubtful.isEmpty {
                let names = waiting.doubtful.map { VisibleText.of($0.tool) }.joined(separator: ", ")
                section.texts.append("Machines were shown different definitions of \(names): these are not among them.")
            }
            section.form = FormView(
                action: "/tools/approve-all",
                csrf: visit.csrf,
                hidden: [
                    HiddenField(name: "server", value: waiting.server),
                    HiddenField(name: "listing", value: waiting.listing.base64URL),
                ],
                submit: "Approve them all"
            )
            return section
        }
    }

    private static func href(_ standing: ToolStanding) -> String {
        "/tools/definition?"
            + FormBody.query([
                ("server", standing.server), ("tool", standing.tool), ("definition", standing.definition.base64URL),
            ])
    }

    // MARK: One

    private func standing(_ query: [String: String], _ permit: Permit<Right.ReadTools>) async throws -> ToolStanding {
        let all = try await definitions.list(server: query["server"] ?? "", tool: query["tool"], for: permit)
        guard let found = all.first(where: { $0.definition.base64URL == query["definition"] }) else {
            throw Refused.noSuchDefinition
        }
        return found
    }

    private func page(_ visit: Visit, _ standing: ToolStanding) -> PageAnswer {
        let tool = VisibleText.of(standing.tool)
        var sections: [Section] = []
        if standing.state == .quarantined {
            var change = Section(
                "change",
                standing.approved == nil ? "What it says" : "What has changed",
                about: "Marked characters cannot be seen, or look like others"
            )
            change.diff = DiffView("The definition of \(tool)", standing.diff)
            if visit.may(.approveTools) {
                change.form = FormView(
                    action: "/tools/definition",
                    csrf: visit.csrf,
                    hidden: [
                        HiddenField(name: "server", value: standing.server),
                        HiddenField(name: "definition", value: standing.definition.base64URL),
                    ],
                    submit: "Approve this definition",
                    cancel: PageLink(name: "Leave it held back", href: "/tools")
                )
            }
            sections.append(change)
        }
        var facts = Section("facts", "What is known of it")
        facts.facts = Facts([
            ("Tool", Cell(tool, isCode: true)),
            ("Server", Cell(standing.server, href: "/servers/\(standing.server)")),
            (
                "State",
                standing.state == .approved ? Cell("Approved", badge: .good) : Cell("Held back", badge: .warn)
            ), (standing.state == .approved ? "Approved" : "First seen", .moment(standing.since)),
            (
                "Approved by",
                Cell(standing.approvedBy ?? (standing.state == .approved ? "Nobody: as first used" : "Nobody"))
            ),
            ("Hash", Cell(standing.definition.base64URL, isCode: true)),
        ])
        sections.append(facts)
        sections.append(Self.sights(standing))
        return .page(
            SectionsView(sections: sections),
            in: visit.shell(
                .tools,
                tool,
                lede: "As \(standing.server) describes it to models.",
                parent: PageLink(name: "Tool definitions", href: "/tools")
            )
        )
    }
}

extension ToolsPages {
    /// Which machines were shown a definition.
    fileprivate static func sights(_ standing: ToolStanding) -> Section {
        var section = Section(
            "sights",
            "Who was shown it",
            about: Numbers.of(standing.sights.machines.count, "machine", "machines"),
            Table(
                "Machines that were shown this definition",
                [.init("Person"), .init("Machine"), .init("First"), .init("Last")],
                standing.sights.machines.prefix(50).map { machine in
                    Table.Row([
                        Cell(machine.user), Cell(machine.agent, href: "/agents/\(machine.agent)", isCode: true),
                        .moment(machine.firstAt), .moment(machine.lastAt),
                    ])
                }
            ),
            else: EmptyState(
                message: "It is not known which machines",
                next: "Machines of earlier releases do not say what they were shown."
            )
        )
        if !standing.sights.others.isEmpty {
            section.texts = [
                "Other machines were shown another definition of this tool at the same time. A server that tells people apart may be after one of them: look at both before you approve."
            ]
        }
        return section
    }
}

extension Refused {
    fileprivate static let noSuchDefinition = Refused(
        "unknown_tool",
        "There is no such definition of a tool, or no longer.",
        next: "Look at the list again: what waits may have changed."
    )
}
