import StrictJSON
import Testing

/// A session of the handshake era, as the tests have it.
enum Handshake {
    static let initialize = Desk.handshake(
        "initialize",
        #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#
    )
    static let version = "MCP-Protocol-Version: 2025-11-25"
    private static let welcome =
        #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#

    /// The header of a session; each client has its own at these servers.
    static func session(_ token: String = Desk.token) -> String { "Mcp-Session-Id: \(id(token))" }

    private static func id(_ token: String) -> String { token == Desk.token ? "s-1" : "s-2" }

    /// A server that begins sessions, takes notifications, and answers everything else as told.
    static func server(
        _ answer: @escaping @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step]
    ) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] {
        { request in
            if request.body.contains("\"initialize\"") {
                let id = request.body.contains("other") ? "s-2" : "s-1"
                return [.json(welcome, "Mcp-Session-Id: \(id)")]
            }
            if request.line.hasPrefix("POST"), !request.body.contains("\"id\"") { return [.empty("202 Accepted")] }
            if request.line.hasPrefix("DELETE") { return [.empty("200 OK")] }
            return answer(request)
        }
    }

    /// Begins a session; returns the connection that it began on.
    static func begin(_ desk: Desk, token: String = Desk.token) async throws -> RawClient {
        let client = try await desk.client()
        let name = token == Desk.token ? "t" : "other"
        let body = initialize.replacing("\"name\":\"t\"", with: "\"name\":\"\(name)\"")
        try await client.send(desk.post(body, token: token))
        let own = try #require(try await client.answer().headers["mcp-session-id"])
        desk.sessions.learn([id(token): own])
        // The server's id is the server's alone.
        #expect(own == (await desk.sessions.id(of: id(token))))
        #expect(own != id(token))
        return client
    }
}

extension Desk {
    /// A tool call within the session of a client.
    func sessionCall(_ tool: String = "echo", id: String = "1", token: String = Desk.token) -> String {
        post(
            Desk.handshake(id: id, #"{"name":"\#(tool)"}"#),
            token: token,
            Handshake.version,
            Handshake.session(token)
        )
    }

    /// The request that opens the server's own stream, or takes another up again.
    func stream(behind event: String? = nil, token: String = Desk.token) -> String {
        let lines = [Handshake.version, Handshake.session(token)] + (event.map { ["Last-Event-ID: \($0)"] } ?? [])
        return request("GET /servers/up/mcp", token: token, lines)
    }

    /// How the calls of a tool have ended, and how many have begun.
    func outcomes(of tool: String = "echo") async throws -> (begun: Int, ended: [String]) {
        let records = try await records().filter { $0["tool"]?.text == tool }
        let ended = records.filter { $0["kind"] == "call.end" }.compactMap { $0["out"]?["is"]?.text }
        return (records.count { $0["kind"] == "call.begin" }, ended)
    }

    /// Waits until so many calls of a tool have ended.
    func wait(forEnds count: Int, of tool: String = "echo") async throws -> [String] {
        for _ in 0..<2000 {
            let ended = try await outcomes(of: tool).ended
            if ended.count >= count { return ended }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw FakeUpstream.NeverCame()
    }
}

extension Answer {
    /// The code and the reason of an error.
    var error: (code: Int?, reason: String?) { Self.error(in: body) }

    static func error(in text: String) -> (code: Int?, reason: String?) {
        let json = try? JSONValue(parsing: Array(text.utf8))
        return (json?["error"]?["code"]?.int, json?["error"]?["data"]?["reason"]?.text)
    }
}
