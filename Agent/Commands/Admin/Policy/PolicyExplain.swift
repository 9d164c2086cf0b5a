import ArgumentParser
internal import StrictJSON

extension AdminPolicy {
    /// `doorward admin policy explain --user U SERVER TOOL`: what the policy says of a call of anybody.
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Say what the policy, or a draft, makes of somebody's call, and why."
        )

        @Option(name: .long, help: "Who would call (e-mail address).")
        var user: String

        @Option(name: .long, help: "A group of that person, once for each; without any, those that are known.")
        var group: [String] = []

        @Option(name: .long, help: "The client that would call.")
        var client = "local"

        @Option(name: .long, help: "A draft to ask in place of the policy in force.")
        var file: String?

        @Argument(help: "The alias of the server.")
        var server: String

        @Argument(help: "The name of the tool.")
        var tool: String

        @Argument(help: "The arguments of the call, as a JSON object.")
        var arguments = "{}"

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                var question: JSONObject = [
                    "user": .text(user), "client": .text(client), "server": .text(server), "tool": .text(tool),
                    "arguments": try ToolArguments.parse(arguments),
                ]
                if !group.isEmpty { question["groups"] = .array(group.map { .text($0) }) }
                if let file {
                    let text = try PolicyText.read(file)
                    _ = try PolicyVerdict(text).check()
                    question["file"] = .text(String(decoding: text, as: UTF8.self))
                }
                let body = JSONValue.object(question)
                let answer = try await context.asAdmin { try await $0.json("POST", "/v1/policy/explanations", body) }
                return Facts(answer, words: Self.words(answer))
            }
        }

        private static func words(_ answer: JSONValue) -> [String] {
            func list(_ value: JSONValue?) -> String {
                (value?.array ?? []).compactMap(\.text).joined(separator: ", ")
            }
            let rules = list(answer["rules"])
            let decision = answer["decision"]?.text == "allow" ? "Allowed" : "Denied"
            var words = ["\(decision): \(answer["because"]?.text ?? "")" + (rules.isEmpty ? "" : " (\(rules))")]
            if let reason = answer["words"]?.text { words.append("The author of the rule says: \(reason)") }
            if answer["observed"] != nil { words.append("Once the policy is enforced, it is denied.") }
            if let demand = answer["require"] { words.append("It has to meet: \(demand.json)") }
            let roles = (answer["roles"]?.array ?? []).compactMap { $0["role"]?.text }
            words.append(roles.isEmpty ? "The person has no role." : "Roles: \(roles.joined(separator: ", ")).")
            if let nearest = answer["nearest"], nearest != .null {
                let lacks = (nearest["lacks"]?.array ?? []).compactMap { $0["why"]?.text }.joined(separator: "; ")
                words.append("Nearest grant: \(nearest["rule"]?.text ?? ""), but \(lacks).")
            }
            words.append(answer["policy_version"]?.int.map { "Policy version \($0)." } ?? "Of the draft.")
            return words
        }
    }
}
