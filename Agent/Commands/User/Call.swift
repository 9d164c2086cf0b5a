import ArgumentParser
internal import Contract
internal import LocalControl
internal import MCP
internal import StrictJSON

/// `doorward call SERVER TOOL [JSON]`: one tool call from the terminal, through the agent like any other.
struct Call: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "call", abstract: "Call one tool from the terminal.")

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
            return Facts(document, words: [], payload: Self.texts(of: result))
        }
    }

    /// The failure that an error is.
    ///
    /// A reason and a command to type are taken from an error of the agent alone, which the code proves: a server's error
    /// never arrives under one of the agent's codes.
    private func failure(_ error: JSONValue, _ answer: TerminalCall.Answer) -> CommandFailure {
        let code = JSONRPCErrorCode(rawValue: error["code"]?.int ?? 0)
        let message = error["message"]?.text ?? "The call failed."
        let reason = code.isOfGateway ? error["data"]?["reason"]?.text : nil
        if code == .denied, reason == "unknown_server" { return Self.unknown(server, record: answer.record) }
        let command = code.isOfGateway ? error["data"]?["command"]?.text : nil
        let next = command ?? answer.record.map { "doorward audit show \($0)" } ?? "doorward status"
        // What came, with what all errors of commands have.
        var told = error.object ?? JSONObject()
        told["next"] = .text(next)
        return CommandFailure(
            reason ?? "rpc_error",
            code.isOfGateway ? message : "\(server) says: \(message) (\(code.rawValue))",
            next: next,
            status: code == .userMustAct ? .needsUser : .failed,
            json: ["error": .object(told), "record": Self.optional(answer.record)]
        )
    }

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
