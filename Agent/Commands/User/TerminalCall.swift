internal import Contract
internal import Fetch
internal import LocalControl
internal import MCP
internal import StrictJSON
internal import Wire

/// A tool call that speaks whichever revision the server does.
///
/// The server is asked for its family of revisions beforehand: a call of the wrong one would use up a limit, and be in
/// the records as a call that failed.
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
        let probe = try await send(modern: "server/discover")
        switch Self.verdict(on: answer(of: probe)) {
        case .modern:
            return answer(
                of: try await send(
                    modern: "tools/call",
                    ["name": .text(tool), "arguments": arguments],
                    headers: [("Mcp-Name", MCPHeaders.encoded(tool))]
                )
            )
        case .handshake: return try await handshakeCall(tool, arguments)
        case .refused: return answer(of: probe)
        }
    }

    // MARK: The probe

    /// What an answer to the probe says.
    private enum Verdict {
        case modern, handshake
        /// The call would be answered the same, or not before long.
        case refused
    }

    private static func verdict(on probe: Answer) -> Verdict {
        if probe.result != nil { return .modern }
        guard let error = probe.error, let code = error["code"]?.int else { return .refused }
        switch JSONRPCErrorCode(rawValue: code) {
        case .headerMismatch, .missingCapability: return .modern
        case .unsupportedVersion:
            let versions = error["data"]?["supported"]?.array?.compactMap(\.text) ?? []
            let isOld = !versions.isEmpty && Set(versions).isSubset(of: Revisions.handshake)
            return isOld ? .handshake : .modern
        // Said by the agent, and quickly said again: the record is to be about the tool.
        case .denied, .userMustAct: return .modern
        case .serverDown: return error["data"]?["reason"]?.text == "timeout" ? .refused : .modern
        case .notRecorded, .badAnswer: return .refused
        // Every modern server knows this method.
        default: return .handshake
        }
    }

    // MARK: 2026-07-28

    private func send(
        modern method: String,
        _ params: JSONObject = [:],
        headers: [(String, String)] = []
    ) async throws -> FetchResponse {
        let version = Revisions.modern[Revisions.modern.count - 1]
        var params = params
        params["_meta"] = [
            "io.modelcontextprotocol/protocolVersion": .text(version),
            "io.modelcontextprotocol/clientInfo": Self.clientInfo,
            "io.modelcontextprotocol/clientCapabilities": .object(JSONObject()),
        ]
        return try await send(
            Self.request(method, .object(params)),
            headers: [("MCP-Protocol-Version", version), ("Mcp-Method", method)] + headers
        )
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
        guard let session = opened.header("mcp-session-id") else { return try await call(tool, arguments, headers) }
        headers.append(("Mcp-Session-Id", session))
        do {
            let answer = try await call(tool, arguments, headers)
            await agent.endSession(server: server, headers: headers)
            return answer
        } catch {
            await agent.endSession(server: server, headers: headers)
            throw error
        }
    }

    private func call(_ tool: String, _ arguments: JSONValue, _ headers: [(String, String)]) async throws -> Answer {
        _ = try await send(["jsonrpc": "2.0", "method": "notifications/initialized"], headers: headers)
        let question = Self.request("tools/call", ["name": .text(tool), "arguments": arguments])
        return answer(of: try await send(question, headers: headers))
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
        // Some servers write a member that is not set as null; the head is the agent's own.
        return Answer(
            result: message?["result"],
            error: message?["error"].flatMap { $0 == .null ? nil : $0 },
            record: response.header("doorward-record")
        )
    }

    /// The message that answers, in a body of either kind.
    private func message(in response: FetchResponse) -> JSONValue? {
        guard response.mediaType == "text/event-stream" else {
            return try? JSONValue(lenientlyParsing: response.body, limits: .forwarded)
        }
        return response.body.withUnsafeBytes { body in
            var splitter = EventStreamSplitter(maxEventBytes: JSONLimits.forwarded.maxBytes)
            while case .event(let event) = splitter.next(in: body) {
                var data: [UInt8] = []
                event.appendData(from: body, to: &data)
                guard let message = try? JSONValue(lenientlyParsing: data, limits: .forwarded) else { continue }
                let isAnswer = message["result"] != nil || message["error"] != nil
                if message["id"]?.int == Self.id, isAnswer { return message }
            }
            return nil
        }
    }
}

extension JSONLimits {
    /// What the agent may be set to pass on, and is not refused a second time.
    fileprivate static let forwarded = JSONLimits(maxBytes: 64 << 20, maxDepth: 128)
}
