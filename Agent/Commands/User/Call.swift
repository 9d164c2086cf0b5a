import ArgumentParser
internal import Contract
internal import LocalControl
internal import StrictJSON

/// `doorward call SERVER TOOL [JSON]`: one tool call from the terminal, through the agent like any other.
struct Call: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Call one tool from the terminal.")

    @Argument(help: "The alias of the server.")
    var server: String

    @Argument(help: "The name of the tool.")
    var tool: String

    @Argument(help: "The arguments of the call, as a JSON object.")
    var arguments = "{}"

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            guard ServerAlias.isValid(server) else { throw Self.unknown(server, record: nil) }
            let arguments = try ToolArguments.parse(arguments)
            let call = TerminalCall(agent: context.agent, server: server)
            let answer = try await call.call(tool: tool, arguments: arguments)
            if let error = answer.error { throw failure(error, answer) }
            guard let result = answer.result else { throw Self.unknown(server, record: answer.record) }
            let document: JSONValue = ["result": result, "record": Self.optional(answer.record)]
            if result["isError"]?.bool == true {
                throw CommandFailure(
                    "tool_error",
                    "The tool failed: \(Self.texts(of: result).joined(separator: " "))",
                    json: document
                )
            }
            return Facts(document, words: Self.texts(of: result))
        }
    }

    private func failure(_ error: JSONValue, _ answer: TerminalCall.Answer) -> CommandFailure {
        let code = error["code"]?.int ?? 0
        let next = error["data"]?["command"]?.text ?? "doorward explain \(server) \(tool)"
        // What came, with what all errors of commands have.
        var told = error.object ?? JSONObject()
        told["next"] = .text(next)
        return CommandFailure(
            error["data"]?["reason"]?.text ?? "rpc_error",
            "\(error["message"]?.text ?? "The call failed.") (\(code))",
            next: next,
            status: code == Self.userMustAct ? .needsUser : .failed,
            json: ["error": .object(told), "record": Self.optional(answer.record)]
        )
    }

    private static let userMustAct = -31003

    private static func unknown(_ server: String, record: String?) -> CommandFailure {
        var failure = CommandFailure(
            "unknown_server",
            "There is no server \(server) for you.",
            next: "doorward servers"
        )
        failure.json = ["error": failure.document["error"] ?? .null, "record": optional(record)]
        return failure
    }

    private static func optional(_ text: String?) -> JSONValue { text.map { .text($0) } ?? .null }

    /// The texts of a result; whatever else it holds as JSON.
    private static func texts(of result: JSONValue) -> [String] {
        (result["content"]?.array ?? []).map { $0["text"]?.text ?? $0.json }
    }
}
