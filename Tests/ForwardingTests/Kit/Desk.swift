import AuditLog
import Bridging
import Bytes
import Fetch
import Foundation
import MCP
import NIOCore
import NIOPosix
import Policy
import ServiceKit
import Spool
import StrictJSON
import Synchronization
import TransparencyLog
import Upstreams

@testable import Forwarding

/// A running data path with a client of its own, a spool and a folder that goes with it.
final class Desk: Sendable {
    static let token = "dwc1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static let otherToken = "dwc1_BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    let service: ForwardingService
    let spool: Spool
    let folder: String
    let listening: ForwardingService.Listening
    let metrics = MetricsRegistry()
    /// The agent's own ids of sessions, by those of the servers.
    let sessions: SessionNames
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let state: Mutex<ForwardingState>

    init(
        _ servers: [ForwardedServer] = [],
        policy: PolicySnapshot? = nil,
        credentials: any CredentialSource = FakeCredentials(),
        pages: any LocalEndpoints = FakePages(),
        configuration: ForwardingConfiguration = ForwardingConfiguration()
    ) async throws {
        folder = "/tmp/dwf-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let writer = RecordWriter(
            agent: "agent-1",
            instance: RandomID(),
            key: "SHA256:key",
            boot: "boot",
            subject: "sub-1"
        )
        spool = try Spool(folder: folder + "/spool", writer: writer)
        service = try await ForwardingService.make(
            loop: group.any(),
            configuration: configuration,
            credentials: credentials,
            metrics: metrics,
            proxies: ProxyEnvironment(environment: [:])
        )
        sessions = SessionNames(service)
        let first = ForwardingState(
            policy: try policy ?? Policies.open(),
            servers: servers,
            clients: [
                ClientCredential(name: "tests", hash: .of(Array(Self.token.utf8))),
                ClientCredential(name: "other", hash: .of(Array(Self.otherToken.utf8))),
            ],
            spool: spool
        )
        state = Mutex(first)
        await Self.teach(service, first)
        await service.update(first)
        listening = try await service.listen(
            on: ListenAddress("127.0.0.1:0"),
            socketPath: folder + "/run/agent.sock",
            pages: pages
        )
    }

    /// Changes what decides on calls.
    func update(_ change: @Sendable (inout ForwardingState) -> Void) async {
        let new = state.withLock { state in
            change(&state)
            return state
        }
        await Self.teach(service, new)
        await service.update(new)
    }

    /// Its servers speak both eras: how that is found out is the business of other tests.
    private static func teach(_ service: ForwardingService, _ state: ForwardingState) async {
        let servers = state.servers.map(\.transport.identity)
        await service.onLoop { path in
            for server in servers {
                path.eras.note(server, .handshake, speaks: true)
                path.eras.note(server, .modern, speaks: true)
            }
        }
    }

    func stop() async {
        await service.shutdown()
        spool.close()
        try? await group.shutdownGracefully()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var port: Int { listening.address.port }

    func client() async throws -> RawClient { try await RawClient(port: port) { await self.sessions.translate($0) } }

    /// All records in the order in which they were made, those that are deferred included.
    func records() async throws -> [JSONValue] {
        // What the loop has begun to do for a call, the record of its end included, is done behind this.
        await service.onLoop { _ in }
        try? spool.write()
        return try await spool.tail(1000).map { try JSONValue(parsing: $0) }.filter { record in
            record["kind"]?.text?.hasPrefix("call.") ?? false
        }
    }

    /// Waits until what goes on in the data path is as a test wants it.
    func wait(until isReached: @escaping @Sendable (DataPath) -> Bool) async throws {
        for _ in 0..<2000 {
            if await service.onLoop(isReached) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw FakeUpstream.NeverCame()
    }

    /// The bytes of the spool's files as they are now: what would be left if this process were killed.
    func filesNow() -> String {
        let path = folder + "/spool"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().compactMap { FileManager.default.contents(atPath: path + "/" + $0) }
            .map { String(decoding: $0, as: UTF8.self) }.joined()
    }

    // MARK: Requests

    /// The bytes of a request to a server.
    func post(
        _ body: String,
        to alias: String = "up",
        token: String? = Desk.token,
        _ headers: String...
    ) -> String {
        request("POST /servers/\(alias)/mcp", token: token, headers + ["Content-Type: application/json"], body: body)
    }

    func request(_ line: String, token: String? = Desk.token, _ headers: [String], body: String? = nil) -> String {
        var lines = ["\(line) HTTP/1.1", "Host: 127.0.0.1:\(port)"]
        if let token { lines.append("Authorization: Bearer \(token)") }
        lines += headers
        if !headers.contains(where: { $0.hasPrefix("Accept:") }) {
            lines.append("Accept: application/json, text/event-stream")
        }
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    /// A tool call of the modern revision with its headers.
    func call(_ tool: String = "echo", id: String = "1", to alias: String = "up", _ arguments: String = "{}") -> String
    {
        let body = Self.modern("tools/call", id: id, #""name":"\#(tool)","arguments":\#(arguments),"#)
        return post(body, to: alias, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: \(tool)")
    }

    /// Another request of the modern revision with its headers.
    func ask(_ method: String, _ params: String = "", to alias: String = "up", _ headers: String...) -> String {
        let lines = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: \(method)"] + headers
        return request(
            "POST /servers/\(alias)/mcp",
            lines + ["Content-Type: application/json"],
            body: Self.modern(method, params)
        )
    }

    static func modern(_ method: String, id: String = "1", _ params: String = "") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{\#(params)"_meta":{"#
            + #""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#
    }

    /// A tool call of a handshake revision.
    static func handshake(_ method: String = "tools/call", id: String = "1", _ params: String = #"{"name":"echo"}"#)
        -> String
    {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(params)}"#
    }

    static func result(_ id: String = "1", _ text: String = "ok") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"complete","content":[{"type":"text","text":"\#(text)"}]}}"#
    }
}

extension FakeUpstream {
    /// The entry for this server.
    func entry(
        _ alias: JSONText = "up",
        timeout: Duration = .seconds(10),
        limits: [LimitRule] = [],
        needsCredential: Bool = false
    ) throws -> ForwardedServer {
        ForwardedServer(
            alias: alias,
            transport: .http(try UpstreamEndpoint(url: url, allowsLoopback: true)),
            timeout: timeout,
            limits: limits,
            credential: needsCredential ? CredentialTarget(alias: alias.string, url: url) : nil
        )
    }
}

/// Credentials that a test sets, with the renewals that were asked for.
final class FakeCredentials: CredentialSource {
    private let state: Mutex<(current: CredentialState, next: CredentialState, renewals: [String?])>
    private let delay: Duration
    private let latch: Latch?

    init(
        _ current: CredentialState = .notNeeded,
        next: CredentialState = .refused(.needsSignIn),
        delay: Duration = .zero,
        latch: Latch? = nil
    ) {
        state = Mutex((current, next, []))
        self.delay = delay
        self.latch = latch
    }

    func current(_ target: CredentialTarget) -> CredentialState { state.withLock { $0.current } }

    func renew(_ target: CredentialTarget, rejected: [UInt8]?) async -> CredentialState {
        state.withLock { $0.renewals.append(rejected.map { String(decoding: $0, as: UTF8.self) }) }
        try? await Task.sleep(for: delay)
        if let latch { await latch.wait() }
        return state.withLock { state in
            state.current = state.next
            return state.next
        }
    }

    var renewals: [String?] { state.withLock { $0.renewals } }

    static func ready(_ token: String) -> CredentialState {
        .ready(id: "cred-1", header: Array("Bearer \(token)".utf8))
    }
}

/// Pages that say what they were asked.
struct FakePages: LocalEndpoints {
    func answer(_ request: LocalRequest) async -> LocalAnswer {
        if request.path == "/control/slow" { try? await Task.sleep(for: .seconds(30)) }
        let text =
            "\(request.method) \(request.path) \(request.query ?? "-") \(request.client) \(request.isOverSocket) "
        return LocalAnswer(status: 200, contentType: "text/test", body: Array(text.utf8) + request.body)
    }
}
