internal import Addresses
package import Fetch
package import StrictJSON

/// Asks the user's running agent, over its socket.
package struct ControlClient: Sendable {
    private let fetcher: Fetcher
    private let socketPath: String

    /// A client of the agent that listens at `socketPath`.
    package init(socketPath: String, fetcher: Fetcher) {
        self.socketPath = socketPath
        self.fetcher = fetcher
    }

    /// Asks for facts.
    package func get(_ operation: String, timeout: Duration = .seconds(20)) async throws -> JSONValue {
        try await ask("GET", operation, body: nil, timeout: timeout)
    }

    /// Asks for something to be done.
    ///
    /// - Throws: `ControlFailure`; with the code `agent_not_running` where no agent listens.
    package func post(
        _ operation: String,
        _ question: JSONValue = .object(JSONObject()),
        timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        try await ask("POST", operation, body: question.bytes, timeout: timeout)
    }

    /// Sends one JSON-RPC message to a server of the agent, as the client `local`.
    ///
    /// - Returns: the body of the answer, of whatever status.
    package func forward(
        server: String,
        message: [UInt8],
        headers: [(String, String)],
        timeout: Duration
    ) async throws -> FetchResponse {
        try await send(
            FetchRequest(
                "POST",
                "http://localhost/servers/\(server)/mcp",
                headers: headers + [
                    ("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream"),
                ],
                body: message,
                timeout: timeout,
                maxBytes: 64 << 20,
                addresses: .any,
                unixSocket: socketPath
            )
        )
    }

    /// Ends a session that `forward` has opened; a server that does not hear of it ends it by itself.
    package func endSession(server: String, headers: [(String, String)]) async {
        _ = try? await send(
            FetchRequest(
                "DELETE",
                "http://localhost/servers/\(server)/mcp",
                headers: headers,
                timeout: .seconds(5),
                addresses: .any,
                unixSocket: socketPath
            )
        )
    }

    private func ask(_ method: String, _ operation: String, body: [UInt8]?, timeout: Duration) async throws -> JSONValue
    {
        let response = try await send(
            FetchRequest(
                method,
                "http://localhost\(ControlHandler.prefix)\(operation)",
                headers: body == nil ? [] : [("Content-Type", "application/json")],
                body: body,
                timeout: timeout,
                maxBytes: 64 << 20,
                addresses: .any,
                unixSocket: socketPath
            )
        )
        guard let json = try? JSONValue(parsing: response.body, limits: .reply) else {
            throw ControlFailure("agent_answer", "The agent answered \(response.status) without words.")
        }
        guard response.status == 200 else {
            throw ControlFailure(json) ?? ControlFailure("agent_answer", "The agent answered \(response.status).")
        }
        return json
    }

    private func send(_ request: FetchRequest) async throws -> FetchResponse {
        do {
            return try await fetcher.fetch(request)
        } catch let error as FetchError where error.kind == .connect {
            throw ControlFailure(
                "agent_not_running",
                "The agent is not running.",
                next: "systemctl --user start doorward (or: doorward agent)"
            )
        } catch let error as FetchError {
            throw ControlFailure("agent_answer", "The agent did not answer: \(error.message).", next: "doorward status")
        }
    }
}
