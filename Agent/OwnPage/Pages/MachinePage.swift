internal import StrictJSON

/// This machine: how it stands with its coordinator, and which clients have a credential.
struct MachinePage {
    private let status: JSONValue
    private let clients: [ListedClient]

    /// - Parameters:
    ///   - status: as `doorward status --json` has it.
    ///   - clients: who has a credential.
    init(_ status: JSONValue, _ clients: [ListedClient]) {
        self.status = status
        self.clients = clients
    }

    func html(_ token: String) -> HTML {
        var frame = Frame(place: .machine, heading: "This machine", token: token)
        for name: JSONText in ["problem", "keyring"] {
            guard let message = status[name]?["message"]?.text else { continue }
            frame.notes.append(Frame.note("bad", message, next: status[name]?["next"]?.text))
        }
        return frame.page("\(health)\(listed)")
    }

    private var health: HTML {
        let audit = status["audit"]
        let pending = (audit?["recorded"]?.int ?? 0) - (audit?["countersigned"]?.int ?? 0)
        let link = status["link"]?.text ?? "unknown"
        let tone = link == "online" ? "good" : link == "connecting" ? "" : "warn"
        let trouble: HTML? = audit?["problem"]?.text.map { "<small>\($0)</small>" }
        return """
            <section class="card"><header><h2>Health</h2><p class="soft">All of it: <code>doorward doctor</code></p></header>
            <dl><dt>Coordinator</dt><dd>\(status["coordinator"]?.text ?? "none") <span class="badge \(tone)">\(link)</span></dd>
            <dt>You</dt><dd>\(status["user"]?.text ?? "nobody yet")</dd>
            <dt>This machine</dt><dd>\(status["agent_id"]?.text ?? "not enrolled")</dd>
            <dt>Address for clients</dt><dd><code>http://\(status["listen"]?.text ?? "")</code></dd>
            <dt>Policy</dt><dd>version \(status["policy_version"]?.int ?? 0)</dd>
            <dt>Key</dt><dd>\(status["custody"]?.text ?? "none")</dd>
            <dt>Records</dt><dd>\(audit?["recorded"]?.int ?? 0), of which \(max(0, pending)) wait to be countersigned\(trouble)</dd></dl>
            </section>
            """
    }

    private var listed: HTML {
        guard !clients.isEmpty else {
            return """
                <section class="card"><header><h2>Clients</h2></header>
                <p class="soft">No client has a credential yet. Make one with <code>doorward client add NAME</code></p></section>
                """
        }
        let rows: [HTML] = clients.map { client in
            """
            <tr><th scope="row">\(client.name)</th><td data-label="Since">\(Moment.html(client.created))</td>
            <td><code>doorward client remove \(client.name)</code></td></tr>
            """
        }
        return """
            <section class="card"><header><h2>Clients</h2></header><div class="scroll"><table>
            <thead><tr><th scope="col">Client</th><th scope="col">Since</th><th scope="col"></th></tr></thead>
            <tbody>\(rows)</tbody></table></div></section>
            """
    }
}

/// A time as a page shows it, in UTC: without a script nobody knows the reader's zone.
enum Moment {
    static func html(_ text: String) -> HTML {
        let short = text.prefix(19).map { $0 == "T" ? " " : String($0) }.joined()
        return "<time datetime=\"\(text)\">\(short) UTC</time>"
    }
}
