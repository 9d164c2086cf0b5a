import ArgumentParser
internal import LocalControl
internal import StrictJSON

/// `doorward explain SERVER TOOL`: which rules decide on a call, and why.
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say which rules decide on a call, and why."
    )

    @Argument(help: "The alias of the server.")
    var server: String

    @Argument(help: "The name of the tool.")
    var tool: String

    @Argument(help: "The arguments of the call, as a JSON object.")
    var arguments = "{}"

    @Option(name: .long, help: "The client that would call.")
    var client = "local"

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let arguments = try ToolArguments.parse(arguments)
            let facts = try await context.agent.post(
                "explain",
                ["server": .text(server), "tool": .text(tool), "arguments": arguments, "client": .text(client)]
            )
            let rules = (facts["rules"]?.array ?? []).compactMap(\.text).joined(separator: ", ")
            let decision = facts["decision"]?.text == "allow" ? "Allowed" : "Denied"
            var words = ["\(decision): \(facts["because"]?.text ?? "")" + (rules.isEmpty ? "" : " (\(rules))")]
            if let observed = facts["observed"]?.text {
                words.append("The policy only observes: enforced, it would deny this as \(observed).")
            }
            if let quarantine = facts["quarantine"]?["why"]?.text { words.append(quarantine) }
            for unmet in facts["unmet"]?.array ?? [] { words.append(unmet["why"]?.text ?? "") }
            if let nearest = facts["nearest"] {
                let lacks = (nearest["lacks"]?.array ?? []).compactMap { $0["why"]?.text }.joined(separator: "; ")
                words.append("Nearest grant: \(nearest["rule"]?.text ?? ""), but \(lacks).")
            }
            if let demands = facts["require"]?.object {
                let list = demands.members.map { "\($0.name) \($0.value.text ?? $0.value.json)" }.joined(
                    separator: ", "
                )
                words.append("Demanded: \(list).")
            }
            if let reason = facts["words"]?.text { words.append("The author of the rule says: \(reason)") }
            words.append("Policy version \(facts["policy_version"]?.int ?? 0).")
            return Facts(facts, words: words)
        }
    }
}

/// The arguments of a call as they are typed.
enum ToolArguments {
    static func parse(_ text: String) throws -> JSONValue {
        do {
            return try JSONValue(parsing: Array(text.utf8))
        } catch {
            throw CommandFailure(
                "bad_arguments",
                "The arguments of the call are no JSON object: \(error)",
                next: #"Give them as one argument, such as '{"text": "hello"}'"#,
                status: .badUsage
            )
        }
    }
}
