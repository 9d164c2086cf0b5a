internal import Contract
internal import Fleet
internal import People
internal import Policy
internal import PolicyStore
internal import Rights
internal import StrictJSON

/// Inviting, and the roles that the policy names.
extension PeoplePages {
    var invitationPages: [ConsolePage] {
        [
            ConsolePage("GET", "/people/invitations/new", for: Right.Invite.self) { visit, _ in
                invitationForm(visit, Form.empty)
            },
            ConsolePage("POST", "/people/invitations/new", for: Right.Invite.self) { visit, permit in
                do {
                    let invitation = try await invite(visit.form, permit)
                    let id = once.keep(
                        ShownOnce.Secret(about: invitation.invitation.email, text: invitation.token.text),
                        for: visit.caller.sub,
                        now: visit.now
                    )
                    return .redirect(to: "/people/invitations/shown/\(id)")
                } catch let refused as Refused {
                    return invitationForm(visit, visit.form.refused(refused), refused)
                }
            },
            ConsolePage("GET", "/people/invitations/shown/{id}", for: Right.Invite.self) { visit, _ in
                try shown(visit)
            },
            ConsolePage("POST", "/people/invitations/{id}/withdraw", for: Right.Invite.self) { visit, permit in
                _ = try await people.withdraw(invitation: visit.parameters[0], by: permit)
                return .redirect(to: "/people", done: "withdrawn")
            },
            ConsolePage("GET", "/people/invitations/{id}/withdraw", for: Right.Invite.self) { visit, _ in
                .confirm(
                    ConfirmView(
                        consequences: ["The one-time token opens nothing any more. The person can be invited again."],
                        form: .confirmation(
                            visit,
                            visit.path("/people/invitations/{}/withdraw"),
                            "Take it back",
                            cancel: "/people"
                        )
                    ),
                    in: visit.shell(
                        .people,
                        "Take the invitation back?",
                        parent: PageLink(name: "People and roles", href: "/people")
                    )
                )
            },
        ]
    }

    // MARK: Inviting

    private func invite(_ form: Form, _ permit: Permit<Right.Invite>) async throws -> IssuedInvitation {
        guard let email = EmailAddress(form["email"]) else { throw Refused.badEmail(at: "email") }
        let role = Role(rawValue: form["role"]) ?? .member
        let hours = Int(form["hours"]) ?? 24
        return try await people.invite(email, role: role, seconds: hours * 3600, by: permit)
    }

    private func invitationForm(_ visit: Visit, _ form: Form, _ refused: Refused? = nil) -> PageAnswer {
        var section = Section("invitation", "Invitation")
        section.form = FormView(
            action: "/people/invitations/new",
            csrf: visit.csrf,
            fields: [
                .text(
                    "email",
                    "E-mail address",
                    hint: "No mail is sent: you hand the token over yourself.",
                    type: "email",
                    isRequired: true,
                    in: form
                ),
                .radio(
                    "role",
                    "Role at the coordinator",
                    Role.allCases.filter { $0 <= visit.caller.role }.map {
                        ($0.rawValue, $0.rawValue, RoleWords.about($0))
                    },
                    usual: Role.member.rawValue,
                    in: form
                ),
                .select(
                    "hours",
                    "It opens for",
                    [("1", "an hour"), ("24", "a day"), ("168", "a week")],
                    usual: "24",
                    in: form
                ),
            ],
            submit: "Invite",
            cancel: PageLink(name: "Cancel", href: "/people")
        )
        return .page(
            SectionsView(sections: [section]),
            in: visit.shell(
                .people,
                "Invite somebody",
                lede: "With the one-time token the person enrols one machine, and acts as that person from it.",
                parent: PageLink(name: "People and roles", href: "/people"),
                refused: refused
            ),
            refused: refused
        )
    }

    private func shown(_ visit: Visit) throws -> PageAnswer {
        let secret = try once.take(visit.parameters[0], by: visit.caller.sub, now: visit.now)
        var section = Section("token", "One-time token", about: "Shown this once")
        section.secret = secret.text
        section.texts = [
            "Hand it to \(secret.about) by a way that you trust: whoever has it first comes in as that person.",
            "On the machine: doorward login URL --token-file FILE, with the token in the file.",
        ]
        section.links = Actions(items: [Action("Done", "/people", isPrimary: true)])
        return .page(
            SectionsView(sections: [section]),
            in: visit.shell(
                .people,
                "\(secret.about) is invited",
                parent: PageLink(name: "People and roles", href: "/people")
            )
        )
    }

    func invitations(_ visit: Visit, _ permit: Permit<Right.ReadPeople>) async throws -> Section {
        let open = try await people.invitations(for: permit).filter {
            $0.spentBy == nil && $0.endedAt == nil && $0.expiresAt > visit.now
        }
        return Section(
            "invitations",
            "Open invitations",
            Table(
                "Invitations that were not used yet",
                [.init("For"), .init("Role"), .init("By"), .init("Ends")],
                open.map { invitation in
                    Table.Row(
                        [
                            Cell(invitation.email), Cell(invitation.role.rawValue),
                            Cell(invitation.maker ?? "The coordinator"), .moment(invitation.expiresAt),
                        ],
                        actions: visit.may(.invite)
                            ? [
                                Action(
                                    "Take back",
                                    "/people/invitations/\(invitation.id)/withdraw",
                                    about: "for \(invitation.email)",
                                    isDanger: true
                                )
                            ]
                            : []
                    )
                }
            ),
            else: EmptyState(
                message: "No invitation is open",
                next: "People come in by a one-time token, or by themselves where an identity provider is set up."
            )
        )
    }

    // MARK: Roles of the policy

    func roles(_ visit: Visit, _ permit: Permit<Right.ReadPeople>) async throws -> PageAnswer {
        let roles = try await desk.roles(for: permit).array ?? []
        let rows = roles.map { role in
            let grants = (role["grant"]?.array ?? []).map(Self.grant)
            let binds = (role["bind"]?.array ?? []).map(Self.bind)
            return Table.Row([
                Cell(role["name"]?.text ?? "", isCode: true),
                Cell(grants.isEmpty ? "Nothing" : grants.joined(separator: "; ")),
                Cell(binds.isEmpty ? "Nobody" : binds.joined(separator: ", ")),
            ])
        }
        let edit = PageLink(name: "Write a policy", href: "/policy/edit")
        return .page(
            SectionsView(
                tabs: Self.tabs("/people/roles"),
                sections: [
                    Section(
                        "roles",
                        "Roles of the policy",
                        about: Numbers.of(roles.count, "role", "roles"),
                        Table(
                            "Roles that the policy names",
                            [.init("Role"), .init("Opens"), .init("Who has it")],
                            rows
                        ),
                        else: EmptyState(
                            message: "The policy names no role",
                            next: "A role is a set of servers and tools that people may use. Until one is bound to "
                                + "somebody, everything is denied.",
                            link: visit.may(.editPolicy) ? edit : nil
                        )
                    )
                ]
            ),
            in: visit.shell(
                .people,
                "People and roles",
                lede: "What the policy opens to whom; it is changed with the policy."
            )
        )
    }

    private static func grant(_ grant: JSONValue) -> String {
        let server = grant["server"]?.text ?? ""
        let kinds = ["tools", "resources", "prompts"].compactMap { kind -> String? in
            guard let names = grant[JSONText(kind)]?.array?.compactMap(\.text) else { return nil }
            return "\(kind) \(names.joined(separator: ", "))"
        }
        return kinds.isEmpty ? "all of \(server)" : "\(server): \(kinds.joined(separator: "; "))"
    }

    private static func bind(_ bind: JSONValue) -> String {
        let who = bind["user"]?.text ?? bind["group"]?.text.map { "group \($0)" } ?? "everyone"
        guard let clients = bind["clients"]?.array?.compactMap(\.text) else { return who }
        return "\(who) with \(clients.joined(separator: ", "))"
    }
}
