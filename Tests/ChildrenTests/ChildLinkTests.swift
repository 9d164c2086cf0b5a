import Bridging
import Contract
import Foundation
import Keyring
import Logging
import NIOCore
import NIOPosix
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import Upstreams

@testable import Children

/// Keeps what a link tells, as text: `open`, `message ...`, `ended ...`.
private final class Listener: ServerLinkDelegate, Sendable {
    let heard: AsyncStream<String>
    private let tell: AsyncStream<String>.Continuation

    init() { (heard, tell) = AsyncStream.makeStream() }

    func linkOpened() { tell.yield("open") }
    func linkReceived(_ message: ByteBuffer) { tell.yield("message \(String(buffer: message).prefix(200))") }
    func linkEnded(_ failure: UpstreamFailure, status: Int?) {
        switch failure {
        case .notSent(let error): tell.yield("not sent: \(error.message)")
        case .afterSending(let error): tell.yield("ended: \(error.message)")
        }
        tell.finish()
    }
}

/// Programs that are really started, in a sandbox.
@Suite("Children", .serialized, .enabled(if: SandboxCheck.bubblewrap != nil))
struct ChildLinkTests {
    private let machine: Machine
    private let secrets = MemorySecretStore()
    private let children: Children
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let kept = KeptLog()

    init() throws {
        machine = try Machine()
        let kept = kept
        children = try Children(
            user: machine.user(),
            secrets: secrets,
            longestMessage: 1 << 20,
            logger: Logger(label: "test") { _ in kept },
            metrics: MetricsRegistry()
        )
    }

    private func server(_ script: String, secrets: [String] = [], approved: String? = nil) throws -> StdioServer {
        let command = StdioCommand(command: "/bin/sh", arguments: ["-c", script], secrets: secrets, approved: approved)
        let entry = ServerEntry(
            alias: "it",
            name: "a/it",
            transport: .stdio(command),
            authorization: .init(kind: .none)
        )
        return try #require(children.use([entry])["it"])
    }

    /// Opens a link, sends what is to be sent, and hands it on for more.
    private func open(_ server: StdioServer, _ listener: Listener, sending messages: [String] = []) async throws
        -> NIOLoopBound<any ServerLink>
    {
        try await loop.submit { [loop] in
            let link = server.makeLink(IsolationKey(server: "it", client: "", thread: ""), loop: loop)
            link.open(listener)
            for message in messages { link.send(ByteBuffer(string: message)) }
            return NIOLoopBound(link, eventLoop: loop)
        }
        .get()
    }

    private func all(_ listener: Listener) async -> [String] {
        var all: [String] = []
        for await each in listener.heard { all.append(each) }
        return all
    }

    private let echo = #"while read -r line; do printf '%s\n' "$line"; done"#

    @Test("Messages that are sent before it runs arrive, and come back", .timeLimit(.minutes(1)))
    func echoes() async throws {
        let listener = Listener()
        let link = try await open(try server(echo), listener, sending: ["{\"id\":1}", "{\"id\":2}"])
        var heard = listener.heard.makeAsyncIterator()
        #expect(await heard.next() == "open")
        #expect(await heard.next() == "message {\"id\":1}")
        #expect(await heard.next() == "message {\"id\":2}")
        try await loop.submit { link.value.send(ByteBuffer(string: "{\"id\":3}")) }.get()
        #expect(await heard.next() == "message {\"id\":3}")
        try await loop.submit { link.value.close() }.get()
    }

    @Test("A program that cannot start says why, and what it said", .timeLimit(.minutes(1)))
    func failing() async throws {
        let listener = Listener()
        _ = try await open(try server("echo 'no module named x' >&2; exit 3"), listener)
        let all = await all(listener)
        #expect(all.last == "ended: The server's program ended with status 3, and said: no module named x.")
    }

    @Test(
        "One that prints what is no message is not broken by it, and one that prints nothing else is ended",
        .timeLimit(.minutes(1))
    )
    func noise() async throws {
        let listener = Listener()
        _ = try await open(try server("echo hello; echo; echo '{\"id\":1}'; exit 0"), listener)
        #expect(await all(listener).contains("message {\"id\":1}"))
        let other = Listener()
        _ = try await open(try server("while :; do echo 0123456789012345678901234567890123456789; done"), other)
        #expect(await all(other).last?.contains("is not MCP") == true)
    }

    @Test("A message over the bound ends the program", .timeLimit(.minutes(1)))
    func overlong() async throws {
        let listener = Listener()
        _ = try await open(try server("head -c 3000000 /dev/zero | tr '\\0' 'a'; sleep 60"), listener)
        #expect(await all(listener).last == "ended: The server's message is over 1 MiB.")
    }

    @Test("What is not what was approved is not started", .timeLimit(.minutes(1)))
    func notApproved() async throws {
        let listener = Listener()
        _ = try await open(try server(echo, approved: "SHA256:other"), listener)
        let all = await all(listener)
        #expect(all.count == 1)
        #expect(all.last?.hasPrefix("not sent: What the entry would start (SHA256:") == true)
    }

    @Test("A secret is in the program's environment, on no argument list and in no log", .timeLimit(.minutes(1)))
    func secret() async throws {
        let script = #"echo "$KEY" >&2; printf '{"length":%d}\n' "${#KEY}"; sleep 30"#
        let server = try server(script, secrets: ["KEY"])
        let missing = Listener()
        _ = try await open(server, missing)
        #expect(await all(missing).last?.contains("doorward connect it") == true)
        try await children.secrets.store(["KEY": "s3cret-s3cret"], of: server.command, alias: "it")
        let listener = Listener()
        let link = try await open(server, listener)
        var heard = listener.heard.makeAsyncIterator()
        #expect(await heard.next() == "open")
        #expect(await heard.next() == "message {\"length\":13}")
        for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(process) != nil {
            let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline").map {
                String(decoding: $0, as: UTF8.self)
            }
            #expect(line?.contains("s3cret-s3cret") != true)
        }
        #expect(!kept.lines.withLock { $0 }.joined().contains("s3cret-s3cret"))
        try await loop.submit { link.value.close() }.get()
    }

    @Test("One that ends again and again is left alone for a while", .timeLimit(.minutes(1)))
    func pauses() async throws {
        let server = try server("exit 1")
        var words: [String] = []
        for _ in 0..<3 {
            let listener = Listener()
            _ = try await open(server, listener)
            words.append(await all(listener).last ?? "")
        }
        #expect(words[0].hasPrefix("ended:"))
        #expect(words[1].hasPrefix("ended:"))
        #expect(words[2].hasPrefix("not sent: The server's program ended with status 1. It has ended so several times"))
    }

    @Test(
        "Closing asks a program to end before it is ended, and takes what it has started along",
        .timeLimit(.minutes(1))
    )
    func closing() async throws {
        let mark = try machine.make("home/notes/mark")
        let script = """
            trap 'echo asked > \(mark); exit 0' TERM
            sleep 300 & (setsid sleep 301 &)
            echo '{}'
            while :; do sleep 0.1; done
            """
        let command = StdioCommand(command: "/bin/sh", arguments: ["-c", script], writable: ["~/notes"])
        let entry = ServerEntry(
            alias: "it",
            name: "a/it",
            transport: .stdio(command),
            authorization: .init(kind: .none)
        )
        let server = try #require(children.use([entry])["it"])
        let listener = Listener()
        let link = try await open(server, listener)
        var heard = listener.heard.makeAsyncIterator()
        #expect(await heard.next() == "open")
        #expect(await heard.next() == "message {}")
        try await loop.submit { link.value.close() }.get()
        let deadline = ContinuousClock.now + .seconds(10)
        while try String(contentsOfFile: mark, encoding: .utf8) != "asked\n", ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try String(contentsOfFile: mark, encoding: .utf8) == "asked\n")
    }

    @Test("One that is closed while it is being started is ended, and remembered by nobody", .timeLimit(.minutes(1)))
    func closedEarly() async throws {
        let server = try server("echo '{}'; sleep 300")
        let listener = Listener()
        try await loop.submit { [loop] in
            let link = server.makeLink(IsolationKey(server: "it", client: "", thread: ""), loop: loop)
            link.open(listener)
            link.close()
        }
        .get()
        let deadline = ContinuousClock.now + .seconds(10)
        while server.metrics.starts.total == 0 || children.count > 0 || server.count > 0, ContinuousClock.now < deadline
        {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(server.metrics.starts.total == 1)
        #expect(children.count == 0)
        #expect(server.count == 0)
    }

    @Test("An entry that is gone takes its programs with it", .timeLimit(.minutes(1)))
    func gone() async throws {
        let listener = Listener()
        let link = try await open(try server(echo), listener, sending: ["{}"])
        var heard = listener.heard.makeAsyncIterator()
        #expect(await heard.next() == "open")
        #expect(await heard.next() == "message {}")
        #expect(children.use([]).isEmpty)
        #expect(await heard.next()?.hasPrefix("ended:") == true)
        _ = link
    }
}
