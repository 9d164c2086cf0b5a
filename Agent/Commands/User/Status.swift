import ArgumentParser
internal import AgentCore
internal import LocalControl
internal import StrictJSON

/// `doorward status`: who this machine is, and how its agent does.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show how this machine's agent does.")

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let facts = try await StatusFacts.ask(context)
            guard facts["agent_id"]?.text != nil else {
                throw CommandFailure(
                    "not_enrolled",
                    "This machine is not enrolled with a coordinator.",
                    next: "doorward login URL --token-file FILE",
                    status: .needsUser,
                    json: facts
                )
            }
            return Facts(facts, words: StatusFacts.words(facts))
        }
    }
}

/// What is known of the agent: from itself where it runs, else from what it kept.
enum StatusFacts {
    static func ask(_ context: CommandContext) async throws -> JSONValue {
        do {
            return try await context.agent.get("status")
        } catch let failure as ControlFailure where failure.code == "agent_not_running" {
            return try AgentFacts.last(context.home).json
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
        words.append("policy        version \(facts["policy_version"]?.int ?? 0)")
        words.append(
            "records       \(recorded), " + (pending == 0 ? "all countersigned" : "\(pending) not countersigned yet")
        )
        if let problem = audit?["problem"]?.text { words.append("not shipped   \(problem)") }
        for server in facts["servers"]?.array ?? [] {
            let why = server["error"]?.text.map { " (\($0))" } ?? ""
            words.append("server        \(server["alias"]?.text ?? "") \(server["state"]?.text ?? "")\(why)")
        }
        return words
    }
}
