internal import Contract
internal import People
internal import Rights

/// Credentials for scripts.
struct TokensPages: Sendable {
    let people: People
    let once: ShownOnce

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/tokens", for: Right.ReadTokens.self) { visit, permit in
                try await list(visit, permit)
            },
            ConsolePage("GET", "/tokens/new", for: Right.EditTokens.self) { visit, _ in
                form(visit, Form.empty)
            },
            ConsolePage("POST", "/tokens/new", for: Right.EditTokens.self) { visit, permit in
                do {
                    let token = try await people.addToken(
                        visit.form["name"],
                        scopes: Set(Scope.allCases.filter { visit.form.has("scopes-\($0.rawValue)") }),
                        seconds: (Int(visit.form["days"]) ?? 30) * 86_400,
                        by: permit
                    )
                    let secret = ShownOnce.Secret(about: token.token.name, text: token.secret)
                    return .redirect(to: "/tokens/shown/\(once.keep(secret, for: visit.caller.sub, now: visit.now))")
                } catch let refused as Refused {
                    return form(visit, visit.form.refused(refused), refused)
                }
            },
            ConsolePage("GET", "/tokens/{name}/remove", for: Right.EditTokens.self) { visit, _ in removal(visit) },
            // Behind the one before: a token may be called `shown`.
            ConsolePage("GET", "/tokens/shown/{id}", for: Right.EditTokens.self) { visit, _ in try shown(visit) },
            ConsolePage("POST", "/tokens/{name}/remove", for: Right.EditTokens.self) { visit, permit in
                do {
                    try await people.removeToken(visit.parameters[0], by: permit)
                    return .redirect(to: "/tokens", done: "removed")
                } catch let refused as Refused {
                    return removal(visit, refused)
                }
            },
        ]
    }

    private func list(_ visit: Visit, _ permit: Permit<Right.ReadTokens>) async throws -> PageAnswer {
        let tokens = try await people.tokens(for: permit)
        let rows = tokens.map { token in
            let scopes = Scope.allCases.filter(token.scopes.contains).map(\.rawValue).joined(separator: ", ")
            let isOver = token.expiresAt <= visit.now
            return Table.Row(
                [
                    Cell(token.name), Cell(token.email), Cell(scopes),
                    token.lastUsedAt.map { Cell.moment($0) } ?? Cell("Never"),
                    isOver ? Cell("Expired", badge: .warn) : .moment(token.expiresAt),
                ],
                actions: [Action("Remove", "/tokens/\(token.name)/remove", about: token.name, isDanger: true)]
            )
        }
        let add = PageLink(name: "Make a token", href: "/tokens/new")
        return .page(
            SectionsView(
                actions: Actions(items: [Action("Make a token", "/tokens/new", isPrimary: true)]),
                sections: [
                    Section(
                        "tokens",
                        "Tokens",
                        about: Numbers.of(tokens.count, "token", "tokens"),
                        Table(
                            "Tokens",
                            [.init("Name"), .init("Of"), .init("Opens"), .init("Used last"), .init("Ends")],
                            rows
                        ),
                        else: EmptyState(
                            message: "There is no token",
                            next:
                                "A token lets a script use the API with some of your rights, until a day that you choose.",
                            link: add
                        )
                    )
                ]
            ),
            in: visit.shell(
                .tokens,
                "Tokens",
                lede: visit.caller.role >= .admin
                    ? "Credentials for scripts, of everybody." : "Your credentials for scripts.",
                done: ["removed": "The token was removed, with all that was made with it."]
            )
        )
    }

    private func form(_ visit: Visit, _ form: Form, _ refused: Refused? = nil) -> PageAnswer {
        let words: [Scope: String] = [
            .admin: "All your rights", .read: "Looking, and nothing else",
            .policy: "Looking at the policy, and changing it",
            .audit: "Records and reports", .metrics: "The metrics of the coordinator",
        ]
        var section = Section("token", "Token")
        section.form = FormView(
            action: "/tokens/new",
            csrf: visit.csrf,
            fields: [
                .text(
                    "name",
                    "Name",
                    hint: "What it is for: letters, digits, dots, _ and -.",
                    isRequired: true,
                    in: form
                ),
                .checks(
                    "scopes",
                    "What of your rights it carries",
                    Scope.allCases.map { ($0.rawValue, $0.rawValue, words[$0]) },
                    in: form
                ),
                .select(
                    "days",
                    "It ends",
                    [("1", "after a day"), ("30", "after 30 days"), ("90", "after 90 days"), ("365", "after a year")],
                    usual: "30",
                    in: form
                ),
            ],
            submit: "Make the token",
            cancel: PageLink(name: "Cancel", href: "/tokens")
        )
        return .page(
            SectionsView(sections: [section]),
            in: visit.shell(
                .tokens,
                "Make a token",
                lede: "For a script, with as few of your rights as it needs.",
                parent: PageLink(name: "Tokens", href: "/tokens"),
                refused: refused
            ),
            refused: refused
        )
    }

    private func shown(_ visit: Visit) throws -> PageAnswer {
        let secret = try once.take(visit.parameters[0], by: visit.caller.sub, now: visit.now)
        var section = Section("secret", "The token", about: "Shown this once")
        section.secret = secret.text
        section.texts = [
            "Keep it where your script reads its secrets: in a file of its own, not on a command line.",
            "A request carries it as: Authorization: Bearer TOKEN",
        ]
        section.links = Actions(items: [Action("Done", "/tokens", isPrimary: true)])
        return .page(
            SectionsView(sections: [section]),
            in: visit.shell(.tokens, "The token \(secret.about)", parent: PageLink(name: "Tokens", href: "/tokens"))
        )
    }

    private func removal(_ visit: Visit, _ refused: Refused? = nil) -> PageAnswer {
        .confirm(
            ConfirmView(
                consequences: [
                    "Scripts that use it are refused from now on.",
                    "Tokens and invitations that were made with it end too.",
                ],
                form: .confirmation(visit, visit.path("/tokens/{}/remove"), "Remove it", cancel: "/tokens")
            ),
            in: visit.shell(
                .tokens,
                "Remove the token?",
                parent: PageLink(name: "Tokens", href: "/tokens"),
                refused: refused
            ),
            refused: refused
        )
    }
}
