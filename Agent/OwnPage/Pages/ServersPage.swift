internal import LocalControl
internal import StrictJSON

/// The servers, each with its state and what to do about it.
struct ServersPage {
    private let servers: [JSONValue]
    private let failures: [String: ControlFailure]
    private let problem: JSONValue?

    /// - Parameters:
    ///   - servers: as `doorward servers --json` has them.
    ///   - status: as `doorward status --json` has it.
    ///   - failures: sign-ins that failed, by server.
    init(_ servers: JSONValue, _ status: JSONValue, _ failures: [String: ControlFailure]) {
        self.servers = servers["servers"]?.array ?? []
        self.failures = failures
        problem = status["problem"]
    }

    func html(_ token: String) -> HTML {
        var frame = Frame(place: .servers, heading: "Servers", token: token)
        if let message = problem?["message"]?.text {
            frame.notes.append(Frame.note("bad", message, next: problem?["next"]?.text))
        }
        for (server, failure) in failures.sorted(by: { $0.key < $1.key }) {
            frame.notes.append(
                Frame.note("bad", "The sign-in to \(server) failed: \(failure.message)", next: failure.next)
            )
        }
        return frame.page(table(token))
    }

    private func table(_ token: String) -> HTML {
        guard !servers.isEmpty else {
            return """
                <section class="card"><header><h2>No server yet</h2></header>
                <p class="soft">An administrator adds servers, and lets you use them.</p></section>
                """
        }
        return """
            <section class="card"><div class="scroll"><table>
            <thead><tr><th scope="col">Server</th><th scope="col">State</th><th scope="col">Since</th><th scope="col"></th></tr></thead>
            <tbody>\(servers.map { row($0, token) })</tbody></table></div></section>
            """
    }

    private func row(_ server: JSONValue, _ token: String) -> HTML {
        let alias = server["alias"]?.text ?? ""
        let (tone, word) = Self.state(server["state"]?.text ?? "")
        let account: HTML? = server["account"]?.text.map { "<small>\($0)</small>" }
        let leaving: HTML? = server["deprecated"]?.text.map { "<small>It is about to go: \($0)</small>" }
        let error: HTML? = server["error"]?.text.map { "<small>\($0)</small>" }
        return """
            <tr><th scope="row">\(alias)\(account)\(leaving)</th>
            <td data-label="State"><span><span class="badge \(tone)">\(word)</span>\(error)</span></td>
            <td data-label="Since">\(server["since"]?.text.map { Moment.html($0) })</td>
            <td>\(action(server, alias, token))</td></tr>
            """
    }

    private func action(_ server: JSONValue, _ alias: String, _ token: String) -> HTML? {
        switch server["state"]?.text {
        case "needs_sign_in" where server["digest"] == nil:
            """
            <form method="post" action="/connect"><input type="hidden" name="token" value="\(token)">\
            <input type="hidden" name="server" value="\(alias)"><button class="button primary">Sign in</button></form>
            """
        // A secret is typed where no page can ask for it.
        case "needs_sign_in": "<code>doorward connect \(alias)</code>"
        case "up", nil: nil
        default: "<code>doorward servers \(alias)</code>"
        }
    }

    private static func state(_ state: String) -> (tone: String, word: String) {
        switch state {
        case "up": ("good", "up")
        case "needs_sign_in": ("warn", "needs you")
        case "degraded": ("warn", "degraded")
        case "down": ("bad", "down")
        default: ("", state)
        }
    }
}
