internal import Contract
internal import Fleet
internal import People
internal import Policy
internal import PolicyStore
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// The people, what they may do at the coordinator, and how they come in.
struct PeoplePages: Sendable {
    let people: People
    let fleet: Fleet
    let desk: PolicyStore
    let once: ShownOnce

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/people", for: Right.ReadPeople.self) { visit, permit in
                try await list(visit, permit)
            },
            ConsolePage("GET", "/people/roles", for: Right.ReadPeople.self) { visit, permit in
                try await roles(visit, permit)
            },
            ConsolePage("GET", "/people/{id}", for: Right.ReadPeople.self) { visit, permit in
                try await one(visit, permit)
            },
            ConsolePage("POST", "/people/{id}/role", for: Right.EditPeople.self) { visit, permit in
                do {
                    guard let role = Role(rawValue: visit.form["role"]) else { throw Refused.noSuchRole }
                    _ = try await people.setRole(role, of: visit.parameters[0], by: permit)
                    return .redirect(to: visit.path("/people/{}"), done: "role")
                } catch let refused as Refused {
                    return try await one(visit, try visit.caller.permit(), refused)
                }
            },
            ConsolePage("POST", "/people/{id}/lock", for: Right.RevokeMachines.self) { visit, permit in
                do {
                    _ = try await people.lock(visit.parameters[0], why: visit.form.optional("why"), by: permit)
                    return .redirect(to: visit.path("/people/{}"), done: "locked")
                } catch let refused as Refused {
                    return try await one(visit, try visit.caller.permit(), refused)
                }
            },
            ConsolePage("POST", "/people/{id}/unlock", for: Right.RevokeMachines.self) { visit, permit in
                _ = try await people.unlock(visit.parameters[0], by: permit)
                return .redirect(to: visit.path("/people/{}"), done: "unlocked")
            },
            ConsolePage("GET", "/people/{id}/remove", for: Right.EditPeople.self) { visit, _ in
                try await removal(visit)
            },
            ConsolePage("POST", "/people/{id}/remove", for: Right.EditPeople.self) { visit, permit in
                do {
                    let enrolled: EnrolledMachines = visit.form["enrolled"] == "revoke" ? .revoke : .keep
                    _ = try await people.remove(visit.parameters[0], enrolled: enrolled, by: permit)
                    return .redirect(to: "/people", done: "removed")
                } catch let refused as Refused {
                    return try await removal(visit, refused)
                }
            },
        ] + invitationPages
    }

    // MARK: All

    private func list(_ visit: Visit, _ permit: Permit<Right.ReadPeople>) async throws -> PageAnswer {
        let users = try await people.users(for: permit)
        let machines = Dictionary(
            grouping: try await fleet.agents(for: permit).filter { $0.revokedWhy == nil },
            by: \.user
        )
        let rows = users.map { person in
            let count = machines[person.email]?.count ?? 0
            return Table.Row([
                Cell(person.email, href: "/people/\(person.sub)"),
                person.lock == nil ? Self.role(person.role) : Cell("Locked", badge: .bad),
                Cell(count == 0 ? "None" : Numbers.count(count)), .moment(person.createdAt),
            ])
        }
        let known = Section(
            "people",
            "People",
            about: Numbers.of(users.count, "person", "people"),
            Table("People", [.init("Address"), .init("Role"), .init("Machines"), .init("Known since")], rows),
            else: EmptyState(message: "Nobody is here yet", next: "Invite the first person.")
        )
        return .page(
            SectionsView(
                actions: visit.may(.invite)
                    ? Actions(items: [Action("Invite somebody", "/people/invitations/new", isPrimary: true)]) : nil,
                tabs: Self.tabs("/people"),
                sections: [known, try await invitations(visit, permit)]
            ),
            in: visit.shell(
                .people,
                "People and roles",
                lede: "Who there is, and what each of them may do at the coordinator.",
                done: [
                    "removed": "The person was removed, with all machines, tokens and invitations.",
                    "withdrawn": "The invitation was taken back.",
                ]
            )
        )
    }

    static func tabs(_ current: String) -> Tabs {
        Tabs(
            items: [("People", "/people"), ("Roles of the policy", "/people/roles")].map {
                Tabs.Tab(name: $0.0, href: $0.1, isCurrent: $0.1 == current)
            }
        )
    }

    static func role(_ role: Role?) -> Cell {
        guard let role else { return Cell("Not invited yet", badge: .calm) }
        return Cell(role.rawValue, small: RoleWords.about(role))
    }

    // MARK: One

    private func one(
        _ visit: Visit,
        _ permit: Permit<Right.ReadPeople>,
        _ refused: Refused? = nil
    ) async throws -> PageAnswer {
        let person = try await person(visit, permit)
        let machines = try await fleet.agents(for: permit).filter { $0.user == person.email }
        var sections: [Section] = []
        if visit.may(.editPeople), person.role != nil {
            var role = Section("role", "Role", about: "Asks for a recent sign-in")
            role.form = FormView(
                action: visit.path("/people/{}/role"),
                csrf: visit.csrf,
                fields: [
                    .radio(
                        "role",
                        "What the person may do at the coordinator",
                        Role.allCases.map { ($0.rawValue, $0.rawValue, RoleWords.about($0)) },
                        usual: person.role?.rawValue ?? "",
                        in: visit.form
                    )
                ],
                submit: "Change the role"
            )
            sections.append(role)
        }
        sections.append(AgentsPages.section(machines, now: visit.now, heading: "Machines"))
        var facts = Section("facts", "What is known")
        facts.facts = Facts([
            ("Address", Cell(person.email)), ("Role", Self.role(person.role)),
            ("Pseudonym", Cell(person.sub, small: "As records and proofs name the person", isCode: true)),
            ("Known since", .moment(person.createdAt)),
        ])
        sections.append(facts)
        if visit.may(.revokeMachines) {
            sections.append(LockSection.make(visit, person.lock, what: "person", path: visit.path("/people/{}")))
        }
        let records = Action("Records", "/audit?user=\(person.email)")
        let remove = Action("Remove", visit.path("/people/{}/remove"), about: person.email, isDanger: true)
        return .page(
            SectionsView(
                actions: Actions(
                    items: (visit.may(.readRecords) ? [records] : []) + (visit.may(.editPeople) ? [remove] : [])
                ),
                sections: sections
            ),
            in: visit.shell(
                .people,
                person.email,
                parent: PageLink(name: "People and roles", href: "/people"),
                done: [
                    "role": "The role was changed. It holds for what the person does from now on.",
                    "locked": "The person is locked: within a minute nothing goes through any of the machines.",
                    "unlocked": "The lock was taken off.",
                ],
                refused: refused
            ),
            refused: refused
        )
    }

    private func person(_ visit: Visit, _ permit: Permit<Right.ReadPeople>) async throws -> Person {
        guard let person = try await people.users(for: permit).first(where: { $0.sub == visit.parameters[0] }) else {
            throw Refused.noSuchPerson
        }
        return person
    }

    // MARK: Removing

    private func removal(_ visit: Visit, _ refused: Refused? = nil) async throws -> PageAnswer {
        let person = try await person(visit, try visit.caller.permit())
        return .confirm(
            ConfirmView(
                consequences: [
                    "The keys of all machines of \(person.email) open nothing any more, within a minute where they are online.",
                    "The tokens and invitations of the person end, and browsers are signed out.",
                    "Records stay as they are, under the pseudonym.",
                ],
                form: .confirmation(
                    visit,
                    visit.path("/people/{}/remove"),
                    "Remove \(person.email)",
                    fields: [TakenAway.field(visit.form)],
                    cancel: visit.path("/people/{}")
                )
            ),
            in: visit.shell(
                .people,
                "Remove \(person.email)?",
                parent: PageLink(name: "People and roles", href: "/people"),
                refused: refused
            ),
            refused: refused
        )
    }
}

/// What happens to machines of others that came in with an invitation of what is taken away.
enum TakenAway {
    static func field(_ form: Form) -> Field {
        .radio(
            "enrolled",
            "Machines that came in with invitations from there",
            [
                ("keep", "Keep them", "As a rule they belong to other people who did nothing wrong."),
                ("revoke", "Take their keys away too", "If what you remove was in the hands of a thief."),
            ],
            usual: "keep",
            in: form
        )
    }
}

/// The roles in a few words.
enum RoleWords {
    static func about(_ role: Role) -> String {
        switch role {
        case .member: "Uses servers, and nothing else"
        case .auditor: "Sees everything, changes nothing"
        case .editor: "Also changes the policy"
        case .admin: "Also servers, people, machines and tools"
        case .owner: "Everything, also making owners"
        }
    }
}

extension Refused {
    fileprivate static let noSuchPerson = Refused(
        "unknown_user",
        "There is no such person, or no longer.",
        next: "See who there is under People and roles."
    )
    fileprivate static let noSuchRole = Refused("invalid_request", "Choose one of the roles.")
}
