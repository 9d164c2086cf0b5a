import AgentState
import Contract
import Errors
import Fetch
import Keyring
import Logging
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

@Suite("Signed requests")
struct ClientTests {
    private let server: CoordinatorServer
    private let machine: Machine
    private let secrets = MemorySecretStore()

    init() throws {
        server = try CoordinatorServer()
        let url = server.url
        machine = server.model.withLock { Machine(&$0, url: url) }
    }

    private func client(clock: MachineClock = .system) async throws -> CoordinatorClient {
        try await secrets.write(
            SecretName(machine.membership.secretName),
            machine.key.seed,
            label: "",
            prompting: false
        )
        return CoordinatorClient(
            machine.membership,
            key: MachineKey(machine.membership, secrets: secrets),
            fetcher: Fetcher(),
            clock: clock
        )
    }

    @Test("A request is taken, and every one has a nonce of its own")
    func nonces() async throws {
        let client = try await client()
        for _ in 0..<20 {
            let response = try await client.request(method: "GET", path: "/v1/agent-log", query: "a=b&c=%20")
            #expect(response.status == 200)
        }
        let nonces = server.seen.withLock { $0.compactMap(\.nonce) }
        #expect(Set(nonces).count == 20)
    }

    @Test(
        "A clock that is wrong is learnt from the coordinator's, with one request more and never two",
        arguments: [
            3600, -3600, 86_400 * 400, -86_400 * 20_000,
        ]
    )
    func clock(skew: Int) async throws {
        server.skew.withLock { $0 = skew }
        let client = try await client()
        #expect(try await client.request(method: "GET", path: "/v1/agent-log").status == 200)
        #expect(server.count("/v1/agent-log") == 2)
        #expect(try await client.request(method: "GET", path: "/v1/agent-log").status == 200)
        #expect(server.count("/v1/agent-log") == 3)
        #expect(abs(client.now - Int(MachineClock.system.wall() / 1_000_000) - skew) <= 2)
    }

    @Test("A coordinator that never likes the time is not asked for ever")
    func stubbornClock() async throws {
        let expired = Problem("expired", status: 401, title: "", detail: "")
        server.happens(.answer(.problem(expired)), .answer(.problem(expired)), to: "/v1/agent-log")
        let client = try await client()
        #expect(try await client.request(method: "GET", path: "/v1/agent-log").status == 401)
        #expect(server.count("/v1/agent-log") == 2)
    }

    @Test("A kept connection that dies with the answer, and what the HTTP library makes of it, does no harm")
    func deadConnection() async throws {
        let server = try CoordinatorServer(keepsAlive: true)
        let machine = server.model.withLock { Machine(&$0, url: server.url) }
        try await secrets.write(SecretName("signing-key/1"), machine.key.seed, label: "", prompting: false)
        let key = MachineKey(machine.membership, secrets: secrets)
        let client = CoordinatorClient(machine.membership, key: key, fetcher: Fetcher())
        #expect(try await client.request(method: "GET", path: "/v1/agent-log").status == 200)
        server.happens(.loseAnswer, to: "/v1/agent-log")
        #expect(try await client.request(method: "GET", path: "/v1/agent-log").status == 200)
        // The library's own try was refused as one that was there before; ours was signed anew.
        #expect(server.count("/v1/agent-log") == 4)
        server.happens(.loseAnswer, to: "/v1/things")
        let twice = try await client.request(method: "POST", path: "/v1/things")
        #expect(CoordinatorAnswer.problem(twice)?.code == "replayed")
    }

    @Test("A problem is told in its own words, anything else as what it is")
    func problems() async throws {
        let client = try await client()
        await #expect { try await client.json("GET", "/v1/nothing") } throws: { error in
            (error as? Problem)?.code == "not_found"
        }
        #expect(try await client.json("POST", "/v1/agent/leave") == nil)
        await #expect { try await client.json("GET", "/v1/agent-log") } throws: { error in
            (error as? Problem)?.code == "revoked_key"
        }
    }

    @Test("While the keyring is locked nothing is sent; it is read once and then not needed any more")
    func keyring() async throws {
        let client = try await client()
        secrets.condition = .locked
        await #expect(throws: LinkError(.locked, "")) { try await client.request(method: "GET", path: "/v1/agent-log") }
        secrets.condition = .away
        await #expect(throws: LinkError(.unavailable, "")) {
            try await client.request(method: "GET", path: "/v1/agent-log")
        }
        #expect(server.count("/v1/agent-log") == 0)
        secrets.condition = .open
        _ = try await client.request(method: "GET", path: "/v1/agent-log")
        secrets.condition = .locked
        _ = try await client.request(method: "GET", path: "/v1/agent-log")
        #expect(client.key.isLoaded)
        secrets.condition = .open
        try await secrets.delete(SecretName(machine.membership.secretName))
        let other = CoordinatorClient(
            machine.membership,
            key: MachineKey(machine.membership, secrets: secrets),
            fetcher: Fetcher()
        )
        await #expect(throws: LinkError(.keyMissing, "")) {
            try await other.request(method: "GET", path: "/v1/agent-log")
        }
        try await secrets.write(
            SecretName(machine.membership.secretName),
            SigningKey().seed,
            label: "",
            prompting: false
        )
        await #expect(throws: LinkError(.keyMissing, "")) {
            try await other.request(method: "GET", path: "/v1/agent-log")
        }
        #expect(!other.key.isLoaded)
    }

    @Test(
        "Dates of HTTP",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 26 Nov 2026 01:02:03 GMT", 1_795_654_923), ("Sun, 06 Nov 1994 08:49:37 UTC", nil),
            ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun, 06 Foo 1994 08:49:37 GMT", nil), ("", nil),
            ("Sun, 36 Nov 1994 08:49:37 GMT", nil),
        ]
    )
    func dates(text: String, seconds: Int?) {
        #expect(HTTPDate.seconds(text) == seconds)
    }
}
