import ArgumentParser
internal import AgentCore
internal import LocalControl
internal import StrictJSON

/// `doorward status`: who this machine is, and how its agent does.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how this machine's agent does."
    )

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let facts = try await StatusFacts.ask(context)
            if let problem = facts["problem"], let code = problem["code"]?.text {
                // All that is known is told first: what is wrong is the last that is read.
                if !output.json, facts["agent_id"]?.text != nil {
                    for word in StatusFacts.words(facts) { Output.line(PlainText.visible(word)) }
                }
                throw CommandFailure(
                    code,
                    problem["message"]?.text ?? "",
                    next: problem["next"]?.text,
                    status: .needsUser,
                    json: facts
                )
            }
            return Facts(facts, words: StatusFacts.words(facts))
        }
    }
}

/// The state of the agent: from itself where it runs, else from its files.
enum StatusFacts {
    static func ask(_ context: CommandContext) async throws -> JSONValue {
        do {
            return try await context.agent.get("status")
        } catch let failure as ControlFailure where failure.code == "agent_not_running" {
            return try AgentStatus.last(context.home).json
        }
    }

    static func words(_ facts: JSONValue) -> [String] {
        let isRunning = facts["running"]?.bool ?? false
        let audit = facts["audit"]
        let recorded = audit?["recorded"]?.int ?? 0
        let countersigned = audit?["countersigned"]?.int ?? 0
        let pending = recorded - countersigned
        var words = [
            "user          \(facts["user"]?.text ?? "")", "coordinator   \(facts["coordinator"]?.text ?? "")",
            "agent         \(facts["agent_id"]?.text ?? ""), key in the \(facts["custody"]?.text ?? "")",
            isRunning
                ? "listens at    http://\(facts["listen"]?.text ?? "")"
                : "not running   start it with: systemctl --user start doorward (or: doorward agent)",
        ]
        if let link = facts["link"]?.text { words.append("link          \(link)") }
        if let keyring = facts["keyring"] {
            let next = keyring["next"]?.text.map { ": \($0)" } ?? ""
            words.append("keyring       \(keyring["message"]?.text ?? "")\(next)")
        }
        if let evidence = facts["evidence"] {
            let isSure = evidence["contradiction"]?.bool ?? false
            words.append(
                isSure
                    ? "coordinator   has signed two states of its log that contradict each other:"
                    : "coordinator   has signed two states of its log, and not proven that one goes on from the other:"
            )
            for side in ["seen", "shown"] as [JSONText] {
                let lines = (evidence[side]?.text ?? "").split(separator: "\n")
                words.append("              \(lines.prefix(3).joined(separator: " "))")
            }
            words.append("              kept in \(evidence["folder"]?.text ?? "")")
            words.append(
                isSure
                    ? "              tell its auditor; an administrator's `doorward-coordinator restart-log` ends it"
                    : "              after a restore an administrator has to run `doorward-coordinator restart-log`"
            )
        }
        words.append("policy        version \(facts["policy_version"]?.int ?? 0)")
        words.append(
            "records       \(recorded), " + (pending == 0 ? "all countersigned" : "\(pending) not countersigned yet")
        )
        if let problem = audit?["problem"]?.text { words.append("problem       \(problem)") }
        for server in facts["servers"]?.array ?? [] {
            let why = server["error"]?.text.map { " (\($0))" } ?? ""
            words.append("server        \(server["alias"]?.text ?? "") \(server["state"]?.text ?? "")\(why)")
        }
        return words
    }
}
