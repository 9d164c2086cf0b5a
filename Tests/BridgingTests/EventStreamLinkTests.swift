import Fetch
import Kits
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Upstreams

@testable import Bridging

@Suite("Servers of HTTP+SSE")
struct EventStreamLinkTests {
    /// Writes down what a link tells.
    private final class Listener: ServerLinkDelegate, Sendable {
        let told = Mutex<[String]>([])

        func linkOpened() { told.withLock { $0.append("opened") } }

        func linkReceived(_ message: ByteBuffer) { told.withLock { $0.append(String(buffer: message)) } }

        func linkEnded(_ failure: UpstreamFailure, status: Int?) {
            let text =
                switch failure {
                case .notSent(let error): "not sent \(error.code)"
                case .afterSending(let error): "sent \(error.code)"
                }
            told.withLock { $0.append(text + (status.map { " \($0)" } ?? "")) }
        }
    }

    /// What is told until `last` is and the server has had so many requests, or two seconds have gone.
    private func told(
        by server: RawServer,
        sending messages: [String],
        until last: String,
        requests: Int = 0
    ) async throws -> [String] {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let listener = Listener()
        let endpoint = try UpstreamEndpoint(url: "\(server.origin)/sse", allowsLoopback: true)
        let kept = try await loop.submit {
            let pool = try UpstreamPool(loop: loop, proxies: .none)
            var bounds = EventStreamLink.Bounds()
            bounds.opening = .milliseconds(300)
            bounds.mostWaiting = 8
            let link = EventStreamLink(
                upstream: pool.server(for: endpoint),
                userAgent: "tests",
                loop: loop,
                bounds: bounds
            )
            link.authorization = Array("Bearer t".utf8)
            link.open(listener)
            for message in messages { link.send(ByteBuffer(string: message)) }
            return NIOLoopBound((pool, link), eventLoop: loop)
        }.get()
        for _ in 0..<200 where !listener.told.withLock({ $0.contains(last) }) || server.requests.count < requests {
            try await Task.sleep(for: .milliseconds(10))
        }
        try await loop.submit { kept.value.1.close() }.get()
        return listener.told.withLock { $0 }
    }

    private static func stream(_ events: String) -> RawServer.Answer {
        .keep(Array("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\(events)".utf8))
    }

    private static let accepted = RawServer.Answer.keep(
        Array("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".utf8)
    )

    private static func serve(_ events: String, posts: RawServer.Answer = accepted) throws -> RawServer {
        try RawServer { $0.hasPrefix("GET ") ? Self.stream(events) : posts }
    }

    @Test("The address that the stream begins with is posted to, in order and with the credential")
    func posting() async throws {
        let server = try Self.serve(
            "event: endpoint\r\ndata: /messages/?session_id=abc\r\n\r\n: ping\n\nevent: message\ndata: {\"a\":1}\n\n"
        )
        let told = try await told(by: server, sending: ["one", "two"], until: #"{"a":1}"#, requests: 3)
        #expect(told == ["opened", #"{"a":1}"#])
        let requests = server.requests
        #expect(requests.count == 3)
        #expect(requests[0].hasPrefix("GET /sse HTTP/1.1\r\n") && requests[0].contains("Authorization: Bearer t"))
        for (request, body) in zip(requests.dropFirst(), ["one", "two"]) {
            #expect(request.hasPrefix("POST /messages/?session_id=abc HTTP/1.1\r\n"))
            #expect(request.hasSuffix("\r\n\r\n" + body) && request.contains("Authorization: Bearer t"))
        }
    }

    @Test(
        "An address of another origin gets neither a message nor the credential",
        arguments: ["http://127.0.0.1:1/steal", "//evil.example/x", "https://evil.example/", "javascript:x", ""]
    )
    func foreign(address: String) async throws {
        let server = try Self.serve("event: endpoint\ndata: \(address)\n\n")
        let last = address.isEmpty ? "not sent timeout" : "not sent malformedResponse"
        let told = try await told(by: server, sending: ["one"], until: last)
        #expect(told == [last] || told == ["not sent malformedResponse"])
        #expect(server.requests.count == 1)
    }

    @Test("A server without a stream, or whose stream says nothing, is told as such")
    func noStream() async throws {
        let none = try RawServer { _ in .http(405) }
        #expect(
            try await told(by: none, sending: [], until: "not sent malformedResponse 405") == [
                "not sent malformedResponse 405"
            ]
        )
        let silent = try Self.serve(": nothing\n\n")
        #expect(try await told(by: silent, sending: ["one"], until: "not sent timeout") == ["not sent timeout"])
    }

    @Test("A message that is refused ends the link, with the status: nothing else would tell of it")
    func refusal() async throws {
        let server = try Self.serve("event: endpoint\ndata: /m\n\n", posts: .http(401))
        let told = try await told(by: server, sending: ["one"], until: "sent malformedResponse 401")
        #expect(told == ["opened", "sent malformedResponse 401"])
    }

    @Test("The end of the stream is the end of the link")
    func end() async throws {
        let server = try RawServer { _ in
            .close(
                Array("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\ndata: /m\n\n".utf8)
            )
        }
        #expect(try await told(by: server, sending: [], until: "not sent closed") == ["opened", "not sent closed"])
    }

    @Test("A server that never says where to post to makes nothing grow")
    func bound() async throws {
        let server = try Self.serve(": nothing\n\n")
        let messages = Array(repeating: "{}", count: 20)
        let last = "not sent tooManyConnections"
        #expect(try await told(by: server, sending: messages, until: last) == [last])
    }

    @Test(
        "Addresses are resolved against that of the stream",
        arguments: [
            ("/m?x=1", "/m?x=1"), ("m", "/a/m"), ("?s=1", "/a/sse?s=1"), ("https://h.example/m", "/m"),
            ("https://H.EXAMPLE:443/m", "/m"), ("//h.example/m", "/m"), ("https://h.example:8443/m", nil),
            ("http://h.example/m", nil), ("https://h.example@evil.example/m", nil), ("/m\r\nX: y", nil),
        ]
    )
    func addresses(reference: String, target: String?) throws {
        let stream = try #require(WebURL("https://h.example/a/sse"))
        #expect(PostAddress.target(Array(reference.utf8), from: stream) == target)
    }
}
