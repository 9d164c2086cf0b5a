internal import Contract
internal import Fleet
internal import People
internal import Rights
internal import ServiceKit

/// The machines that were enrolled, and taking the key of one away.
struct AgentsPages: Sendable {
    let fleet: Fleet

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/agents", for: Right.ReadPeople.self) { visit, permit in
                try await list(visit, permit)
            },
            ConsolePage("GET", "/agents/{id}", for: Right.ReadPeople.self) { visit, permit in
                try await one(visit, permit)
            },
            ConsolePage("POST", "/agents/{id}/lock", for: Right.RevokeMachines.self) { visit, permit in
                do {
                    _ = try await fleet.lock(visit.parameters[0], why: visit.form.optional("why"), by: permit)
                    return .redirect(to: visit.path("/agents/{}"), done: "locked")
                } catch let refused as Refused {
                    return try await one(visit, try visit.caller.permit(), refused)
                }
            },
            ConsolePage("POST", "/agents/{id}/unlock", for: Right.RevokeMachines.self) { visit, permit in
                _ = try await fleet.unlock(visit.parameters[0], by: permit)
                return .redirect(to: visit.path("/agents/{}"), done: "unlocked")
            },
            ConsolePage("GET", "/agents/{id}/revoke", for: Right.RevokeMachines.self) { visit, _ in
                try await revocation(visit)
            },
            ConsolePage("POST", "/agents/{id}/revoke", for: Right.RevokeMachines.self) { visit, permit in
                do {
                    let enrolled: EnrolledMachines = visit.form["enrolled"] == "revoke" ? .revoke : .keep
                    _ = try await fleet.revoke(visit.parameters[0], enrolled: enrolled, by: permit)
                    return .redirect(to: visit.path("/agents/{}"), done: "revoked")
                } catch let refused as Refused {
                    return try await revocation(visit, refused)
                }
            },
        ]
    }

    // MARK: All

    private func list(_ visit: Visit, _ permit: Permit<Right.ReadPeople>) async throws -> PageAnswer {
        let agents = try await fleet.agents(for: permit)
        let gone = agents.filter { $0.revokedWhy != nil }
        var sections = [
            Self.section(agents.filter { $0.revokedWhy == nil }, now: visit.now, heading: "Enrolled")
        ]
        if !gone.isEmpty { sections.append(Self.section(gone, now: visit.now, heading: "Shut out")) }
        return .page(
            SectionsView(sections: sections),
            in: visit.shell(
                .agents,
                "Machines",
                lede: "Every machine that is enrolled, with what it runs and when it was there last."
            )
        )
    }

    /// Machines as rows, under a heading.
    static func section(_ agents: [AgentSummary], now: Int, heading: String) -> Section {
        Section(
            heading == "Shut out" ? "shut-out" : "machines",
            heading,
            about: Numbers.of(agents.count, "machine", "machines"),
            Table(
                "Machines",
                [
                    .init("Machine"), .init("Person"), .init("State"), .init("Release"),
                    .init("Policy", isNumber: true), .init("Key kept in"),
                ],
                agents.prefix(500).map { agent in
                    Table.Row([
                        Cell(VisibleText.of(agent.hostname), small: agent.agentID, href: "/agents/\(agent.agentID)"),
                        Cell(agent.user), state(agent, now: now), Cell(VisibleText.of(agent.version)),
                        Cell(agent.policyVersion == 0 ? "None" : "\(agent.policyVersion)"),
                        Cell(VisibleText.of(agent.custody)),
                    ])
                }
            ),
            else: EmptyState(
                message: "No machine is enrolled",
                next: "A machine comes in with doorward login and the one-time token of an invitation."
            )
        )
    }

    private static func state(_ agent: AgentSummary, now: Int) -> Cell {
        if let why = agent.revokedWhy {
            let words = ["left": "Has left", "revoked": "Revoked", "removed": "Person removed"]
            return Cell(words[why] ?? VisibleText.of(why), badge: .bad)
        }
        let seen = Numbers.ago(agent.lastSeen, now: now)
        if agent.lock != nil || agent.isUserLocked { return Cell("Locked", small: seen, badge: .bad) }
        switch agent.presence {
        case .online: return Cell("Online", small: seen, badge: .good)
        case .ended: return Cell("Off", small: seen, badge: .calm)
        case .silent: return Cell("Silent", small: "\(seen), without a word", badge: .warn)
        case .revoked: return Cell("Shut out", badge: .bad)
        }
    }

    // MARK: One

    private func agent(_ visit: Visit, _ permit: Permit<Right.ReadPeople>) async throws -> AgentSummary {
        guard let agent = try await fleet.agents(for: permit).first(where: { $0.agentID == visit.parameters[0] }) else {
            throw Refused("unknown_agent", "No machine has this id.", next: "See which there are under Machines.")
        }
        return agent
    }

    private func one(
        _ visit: Visit,
        _ permit: Permit<Right.ReadPeople>,
        _ refused: Refused? = nil
    ) async throws -> PageAnswer {
        let agent = try await agent(visit, permit)
        var facts = Section("facts", "What is known")
        facts.facts = Facts([
            ("State", Self.state(agent, now: visit.now)), ("Person", Cell(agent.user)),
            ("Last seen", .moment(agent.lastSeen)), ("Enrolled", .moment(agent.enrolledAt)),
            ("Release", Cell(VisibleText.of(agent.version))),
            ("Policy in force", Cell(agent.policyVersion == 0 ? "None yet" : "Version \(agent.policyVersion)")),
            ("Key", Cell(agent.key, small: "Kept in: \(VisibleText.of(agent.custody))", isCode: true)),
            ("Records stored", Cell(Numbers.bytes(agent.storedBytes))),
            (
                "Records to be shipped",
                Cell(agent.health?.pendingRecords.map { Numbers.count($0) } ?? "Not said")
            ), ("Clock", Self.clock(agent)),
        ])
        let servers = Section(
            "servers",
            "Servers, as this machine sees them",
            about: agent.healthAt.map { "Said \(Numbers.ago($0, now: visit.now))" },
            Table(
                "Servers as this machine sees them",
                [.init("Server"), .init("State"), .init("Since"), .init("Why")],
                (agent.health?.servers ?? []).map { server in
                    Table.Row([
                        Cell(VisibleText.of(server.alias), href: "/servers/\(server.alias)"),
                        ServersPages.state(server.state),
                        ServersPages.since(server.since), Cell(VisibleText.of(server.error ?? "")),
                    ])
                }
            ),
            else: EmptyState(
                message: "The machine has not said how its servers do",
                next: "It does once a server that its person may use was called."
            )
        )
        let revoke = Action("Take its key away", visit.path("/agents/{}/revoke"), isDanger: true)
        let records = Action("Its records", "/audit?agent=\(agent.agentID)")
        return .page(
            SectionsView(
                actions: Actions(
                    items: (visit.may(.readRecords) ? [records] : [])
                        + (visit.may(.revokeMachines) && agent.revokedWhy == nil ? [revoke] : [])
                ),
                sections: [facts, servers]
                    + (visit.may(.revokeMachines) && agent.revokedWhy == nil
                        ? [LockSection.make(visit, agent.lock, what: "machine", path: visit.path("/agents/{}"))] : [])
            ),
            in: visit.shell(
                .agents,
                VisibleText.of(agent.hostname),
                lede: agent.agentID,
                parent: PageLink(name: "Machines", href: "/agents"),
                done: [
                    "revoked": "The key was taken away. Within a minute nothing goes through the machine any more.",
                    "locked": "The machine is locked: within a minute nothing goes through it.",
                    "unlocked": "The lock was taken off.",
                ],
                refused: refused
            ),
            refused: refused
        )
    }

    private static func clock(_ agent: AgentSummary) -> Cell {
        guard let seconds = agent.health?.clockAhead else { return Cell("Not said") }
        let isWrong = abs(seconds) >= 30
        let words = seconds == 0 ? "Right" : "\(Numbers.span(seconds)) \(seconds > 0 ? "ahead" : "behind")"
        return Cell(words, badge: isWrong ? .warn : nil)
    }

    // MARK: Revoking

    private func revocation(_ visit: Visit, _ refused: Refused? = nil) async throws -> PageAnswer {
        let agent = try await agent(visit, try visit.caller.permit())
        let name = VisibleText.of(agent.hostname)
        return .confirm(
            ConfirmView(
                consequences: [
                    "Within a minute nothing goes through \(name) of \(agent.user) any more, if it is online.",
                    "Tokens and invitations that it has made end with it.",
                    "The person can enrol it again with a new invitation. Its records stay.",
                ],
                form: .confirmation(
                    visit,
                    visit.path("/agents/{}/revoke"),
                    "Take the key away",
                    fields: [TakenAway.field(visit.form)],
                    cancel: visit.path("/agents/{}")
                )
            ),
            in: visit.shell(
                .agents,
                "Take the key of \(name) away?",
                parent: PageLink(name: "Machines", href: "/agents"),
                refused: refused
            ),
            refused: refused
        )
    }
}
