internal import Contract
internal import Fetch
internal import LocalControl
internal import MCP
internal import StrictJSON
internal import Wire

/// A tool call that speaks whichever revision the server does: the modern one first, and the handshake where a server
/// refuses it.
struct TerminalCall {
    /// What came back: one of `result` and `error`, or neither for a server that is not there.
    struct Answer {
        var result: JSONValue?
        var error: JSONValue?
        var record: String?
    }

    let agent: ControlClient
    let server: String

    private static let id = 1
    /// Ten minutes: a tool may take its time; the agent gives up on silence long before.
    private static let patience = Duration.seconds(600)

    func call(tool: String, arguments: JSONValue) async throws -> Answer {
        let modern = try await modernCall(tool, arguments)
        guard isOtherEra(modern) else { return answer(of: modern) }
        return try await handshakeCall(tool, arguments)
    }

    // MARK: 2026-07-28

    private func modernCall(_ tool: String, _ arguments: JSONValue) async throws -> FetchResponse {
        let version = Revisions.modern[Revisions.modern.count - 1]
        let meta: JSONValue = [
            "io.modelcontextprotocol/protocolVersion": .text(version),
            "io.modelcontextprotocol/clientInfo": Self.clientInfo,
            "io.modelcontextprotocol/clientCapabilities": .object(JSONObject()),
        ]
        return try await send(
            Self.request("tools/call", ["name": .text(tool), "arguments": arguments, "_meta": meta]),
            headers: [
                ("MCP-Protocol-Version", version), ("Mcp-Method", "tools/call"),
                ("Mcp-Name", MCPHeaders.encoded(tool)),
            ]
        )
    }

    /// Whether a server of the handshake era said that it does not know this revision: it refused before it acted.
    private func isOtherEra(_ response: FetchResponse) -> Bool {
        guard (400..<500).contains(response.status), response.status != 404 || !response.body.isEmpty else {
            return false
        }
        guard let code = message(in: response)?["error"]?["code"]?.int else { return response.status != 404 }
        // Ours, and those that only a modern server says, are answers to this very call.
        let modernOnly = [JSONRPCErrorCode.headerMismatch, .missingCapability].map(\.rawValue)
        return !(-31999 ... -31000).contains(code) && !modernOnly.contains(code)
    }

    // MARK: The handshake

    private func handshakeCall(_ tool: String, _ arguments: JSONValue) async throws -> Answer {
        let version = Revisions.handshake[Revisions.handshake.count - 1]
        let opened = try await send(
            Self.request(
                "initialize",
                [
                    "protocolVersion": .text(version), "capabilities": .object(JSONObject()),
                    "clientInfo": Self.clientInfo,
                ]
            )
        )
        let opening = answer(of: opened)
        guard let agreed = opening.result?["protocolVersion"]?.text else { return opening }
        var headers = [("MCP-Protocol-Version", agreed)]
        if let session = opened.header("mcp-session-id") { headers.append(("Mcp-Session-Id", session)) }
        _ = try await send(["jsonrpc": "2.0", "method": "notifications/initialized"], headers: headers)
        return answer(
            of: try await send(
                Self.request("tools/call", ["name": .text(tool), "arguments": arguments]),
                headers: headers
            )
        )
    }

    // MARK: Messages

    private static let clientInfo: JSONValue = ["name": "doorward", "version": .text(Release.version)]

    private static func request(_ method: String, _ params: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": .int(id), "method": .text(method), "params": params]
    }

    private func send(_ message: JSONValue, headers: [(String, String)] = []) async throws -> FetchResponse {
        try await agent.forward(server: server, message: message.bytes, headers: headers, timeout: Self.patience)
    }

    private func answer(of response: FetchResponse) -> Answer {
        let message = message(in: response)
        return Answer(
            result: message?["result"],
            error: message?["error"],
            record: response.header("doorward-record") ?? message?["error"]?["data"]?["record"]?.text
        )
    }

    /// The message that answers, in a body of either kind.
    private func message(in response: FetchResponse) -> JSONValue? {
        guard response.mediaType == "text/event-stream" else {
            return try? JSONValue(parsing: response.body, limits: .reply)
        }
        return response.body.withUnsafeBytes { body in
            var splitter = EventStreamSplitter()
            while case .event(let event) = splitter.next(in: body) {
                var data: [UInt8] = []
                event.appendData(from: body, to: &data)
                guard let message = try? JSONValue(parsing: data, limits: .reply) else { continue }
                let isAnswer = message["result"] != nil || message["error"] != nil
                if message["id"]?.int == Self.id, isAnswer { return message }
            }
            return nil
        }
    }
}
