import LocalControl
import StrictJSON
import Testing

/// Operations that say what they were asked; it refuses what no caller may ask.
private struct EchoOperations: AgentOperations {
    func status() async throws -> JSONValue { ["asked": "status"] }
    func servers() async throws -> JSONValue { ["asked": "servers"] }
    func beginSignIn(server: String, clientSecret: String?) async throws -> JSONValue {
        guard server == "github" else {
            throw ControlFailure(
                "unknown_server",
                "There is no such server.",
                next: "doorward servers",
                needsUser: true
            )
        }
        return ["flow": "f", "authorization_url": "https://a.example/"]
    }
    func keepSecrets(server: String, values: [String: String]) async throws -> JSONValue {
        ["asked": .array(values.keys.sorted().map { .text($0) })]
    }
    func awaitSignIn(flow: String) async throws -> JSONValue { ["flow": .text(flow)] }
    func signOut(server: String, forgettingSecret: Bool) async throws -> JSONValue { ["asked": .text(server)] }
    func explain(server: String, tool: String, arguments: JSONValue, client: String) async throws -> JSONValue {
        ["asked": .text("\(server)/\(tool) \(arguments.json) \(client)")]
    }
    func records(newest count: Int) async throws -> JSONValue { ["count": .int(count)] }
    func records(from next: Int, waiting seconds: Int) async throws -> JSONValue { ["next": .int(next + seconds)] }
    func records(call: String) async throws -> JSONValue { throw CancellationError() }
    func reload() async throws -> JSONValue { [:] }
    func unlock() async throws -> JSONValue { ["open": true] }
    func leave(isOffline: Bool) async throws -> JSONValue { ["offline": .bool(isOffline)] }
}

@Suite("What the agent does for commands")
struct ControlHandlerTests {
    private let harness = ControlHandler(EchoOperations())

    private func ask(_ method: String, _ path: String, _ body: String = "") async -> (status: Int, json: JSONValue) {
        let answer = await harness.answer(method: method, path: path, body: Array(body.utf8))
        return (answer.status, answer.json)
    }

    @Test("An operation gets what was asked, and its answer goes back")
    func operations() async {
        #expect(await ask("GET", "/control/status").json == ["asked": "status"])
        let explained = await ask("POST", "/control/explain", #"{"server":"a","tool":"b","client":"c"}"#)
        #expect(explained.json == ["asked": "a/b {} c"])
        let body = #"{"server":"a","tool":"b","client":"c","arguments":{"x":1}}"#
        #expect(await ask("POST", "/control/explain", body).json == ["asked": #"a/b {"x":1} c"#])
        #expect(await ask("POST", "/control/explain", body.replacing(#"{"x":1}"#, with: "1")).status == 400)
        #expect(await ask("POST", "/control/records/from", #"{"next":40,"seconds":2}"#).json == ["next": 42])
        #expect(await ask("POST", "/control/sign-in", #"{"server":"github"}"#).status == 200)
        let secrets = #"{"server":"a","values":{"B":"2","A":"1"}}"#
        #expect(await ask("POST", "/control/secrets", secrets).json == ["asked": ["A", "B"]])
        #expect(await ask("POST", "/control/secrets", #"{"server":"a","values":{"A":1}}"#).status == 400)
        #expect(await ask("POST", "/control/unlock").json == ["open": true])
        #expect(await ask("POST", "/control/leave").json == ["offline": false])
        #expect(await ask("POST", "/control/leave", #"{"offline":true}"#).json == ["offline": true])
    }

    @Test("A failure crosses as it was, with what to do next")
    func failures() async {
        let answer = await ask("POST", "/control/sign-in", #"{"server":"x"}"#)
        #expect(answer.status == 409)
        let failure = ControlFailure(answer.json)
        #expect(failure?.code == "unknown_server")
        #expect(failure?.next == "doorward servers")
        #expect(failure?.needsUser == true)
        // An unforeseen error tells nothing of the inside.
        let inside = await ask("POST", "/control/records/call", #"{"call":"a"}"#)
        #expect((inside.status, ControlFailure(inside.json)?.code) == (500, "internal"))
    }

    @Test(
        "Whatever is no operation is refused, with a reason",
        arguments: [
            ("GET", "/control/", "", 404), ("GET", "/control/leave", "", 404), ("POST", "/control/status", "{}", 404),
            ("POST", "/control/sign-in", "{}", 400), ("POST", "/control/sign-in", #"{"server":1}"#, 400),
            ("POST", "/control/leave", #"{"offline":1}"#, 400),
            ("POST", "/control/sign-in", "[]", 400), ("POST", "/control/sign-in", "{", 400),
            ("POST", "/control/records/newest", #"{"count":1001}"#, 400),
            ("POST", "/control/records/newest", #"{"count":-1}"#, 400),
            ("POST", "/control/sign-in", #"{"server":"a","server":"b"}"#, 400),
        ]
    )
    func refused(method: String, path: String, body: String, status: Int) async {
        let answer = await ask(method, path, body)
        #expect(answer.status == status)
        #expect(ControlFailure(answer.json)?.message.isEmpty == false)
    }
}
