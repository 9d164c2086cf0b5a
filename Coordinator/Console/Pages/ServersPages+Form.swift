internal import Contract
internal import Fleet
internal import Registry
internal import ServiceKit
internal import StrictJSON

/// How a server is added, and what an entry looks like.
extension ServersPages {
    func form(_ visit: Visit, _ form: Form, _ refused: Refused? = nil) -> PageAnswer {
        var simple = Section("by-url", "A server on the network")
        simple.form = FormView(
            action: "/new-server",
            csrf: visit.csrf,
            fields: [
                .text(
                    "alias",
                    "Alias",
                    hint: "The name that people, policies and addresses use: a-z, 0-9 and -, at most 32.",
                    in: form
                ),
                .text(
                    "url",
                    "URL",
                    hint: "Where it speaks MCP, such as https://mcp.example.com/mcp",
                    type: "url",
                    in: form
                ),
                .radio(
                    "auth",
                    "Sign-in",
                    [
                        ("none", "None", "Anybody who reaches it may use it."),
                        ("oauth", "OAuth", "Each person signs in; the tokens stay in that person's keyring."),
                    ],
                    usual: "none",
                    in: form
                ),
                .checks(
                    "allow",
                    "Exceptions",
                    [
                        (
                            "loopback", "It may be on the user's own machine",
                            "Opens loopback addresses, and no other private one."
                        )
                    ],
                    in: form
                ),
            ],
            submit: "Add the server",
            cancel: PageLink(name: "Cancel", href: "/servers")
        )
        var full = Section(
            "by-document",
            "Or a whole server.json",
            about: "For programs that the agent starts, limits, health checks"
        )
        full.form = FormView(
            action: "/new-server",
            csrf: visit.csrf,
            fields: [
                .area(
                    "document",
                    "server.json",
                    hint: "The official format, with Doorward's settings under _meta.",
                    rows: 12,
                    in: form
                )
            ],
            submit: "Add it"
        )
        return .page(
            SectionsView(sections: [simple, full]),
            in: visit.shell(
                .servers,
                "Add a server",
                lede: "Nobody can use it until the policy grants it.",
                parent: PageLink(name: "Servers", href: "/servers"),
                refused: refused
            ),
            refused: refused
        )
    }

    static func entry(_ form: Form) throws -> RegistryEntry {
        if form.has("document") { return try Registry.entry(parsing: Array(form.exact("document").utf8)) }
        do {
            let entry = try RegistryEntry(
                alias: form["alias"],
                url: form["url"],
                authorization: ServerEntry.Authorization(kind: form["auth"] == "oauth" ? .oauth : .none),
                allowsLoopback: form.has("allow-loopback")
            )
            // Judged as one that was sent, with all that an entry may not be.
            return try Registry.entry(parsing: entry.json.bytes)
        } catch let error as ShapeError {
            // The name is made of the alias, and is what is read first.
            let isAlias = error.place == "name" || error.place == "description"
            let shown = isAlias ? ShapeError("alias", "must be 1 to 32 of a-z, 0-9 and -, and not begin with -") : error
            throw Refused.malformed(shown, code: "invalid_entry")
        }
    }

    // MARK: In words

    static func title(_ entry: RegistryEntry) -> String {
        VisibleText.of(entry.json["title"]?.text ?? entry.json["description"]?.text ?? "")
    }

    static func kind(_ server: ServerEntry) -> String {
        switch server.transport {
        case .http: "HTTP"
        case .sse: "HTTP with events (2024)"
        case .stdio: "A program on each machine"
        }
    }

    static func facts(_ entry: RegistryEntry) -> Facts {
        let server = entry.server
        var facts: [(String, Cell)] = [
            ("Name", Cell(VisibleText.of(server.name), isCode: true)), ("Reached by", Cell(kind(server))),
        ]
        switch server.transport {
        case .http(let url), .sse(let url): facts.append(("URL", Cell(VisibleText.of(url), isCode: true)))
        case .stdio(let command):
            facts.append(("Program", Cell(VisibleText.of(command.arguments.joined(separator: " ")), isCode: true)))
        }
        facts.append(("Sign-in", Cell(server.authorization.kind == .oauth ? "OAuth, each person" : "None")))
        facts.append(
            (
                "Tool definitions",
                Cell(server.pins == .approve ? "Each needs an approval" : "As first seen; changes need an approval")
            )
        )
        facts.append(("Given up after", Cell(Numbers.span(server.timeoutSeconds), small: "of silence")))
        return Facts(facts)
    }

    static func state(_ standing: ServerStanding?) -> Cell {
        guard let state = standing?.state else { return Cell("Not seen yet", badge: .calm) }
        return self.state(state)
    }

    static func state(_ state: HealthReport.Server.State) -> Cell {
        switch state {
        case .up: Cell("Up", badge: .good)
        case .degraded: Cell("Degraded", badge: .warn)
        case .down: Cell("Down", badge: .bad)
        case .needsSignIn: Cell("Sign-in needed", badge: .warn)
        }
    }

    static func sights(_ standing: ServerStanding?) -> String {
        guard let standing, !standing.sights.isEmpty else { return "None yet" }
        let words: [(HealthReport.Server.State, String)] = [
            (.up, "up"), (.degraded, "degraded"), (.down, "down"), (.needsSignIn, "not signed in"),
        ]
        return words.compactMap { state, word in
            standing.count(state) > 0 ? "\(standing.count(state)) \(word)" : nil
        }.joined(separator: ", ")
    }

    static func since(_ text: String?) -> Cell {
        guard let text, text.count >= 16 else { return Cell("") }
        return Cell(VisibleText.of("\(text.prefix(10)) \(text.dropFirst(11).prefix(5))"))
    }

    static func count(_ count: Int) -> String { Numbers.of(count, "server", "servers") }

    /// As the registry has it, indented, with nothing in it that is not seen.
    static func document(_ entry: RegistryEntry) -> String {
        JSONDiff.text(from: nil, to: entry.json.bytes).split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.dropFirst(2) }.joined(separator: "\n")
    }
}
