import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that a test makes answer byte by byte: it shows what was sent to it, and says what it is told.
final class FakeUpstream: Sendable {
    /// One request as it came.
    struct Request: Sendable {
        let line: String
        let headers: [(name: String, value: String)]
        let body: String

        func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// What it does in return, in this order.
    enum Step: Sendable {
        case send(String)
        case pause(milliseconds: Int64)
        /// Nothing until the test says so.
        case wait(Latch)
        case close
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel
    private let isStopped = Mutex(false)

    private struct State {
        var requests: [Request] = []
        var opened = 0
        var closed = 0
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
        let answer: @Sendable (Request) -> [Step]
        init(_ answer: @escaping @Sendable (Request) -> [Step]) { self.answer = answer }
    }

    private let shared: Shared

    init(_ answer: @escaping @Sendable (Request) -> [Step]) async throws {
        let shared = Shared(answer)
        self.shared = shared
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(shared))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var url: String { "http://127.0.0.1:\(port)/mcp" }
    var requests: [Request] { shared.state.withLock { $0.requests } }
    /// How many connections were made to it.
    var connections: Int { shared.state.withLock { $0.opened } }
    /// How many connections were closed by the other side.
    var closedConnections: Int { shared.state.withLock { $0.closed } }

    struct NeverCame: Error {}

    /// Waits for a request.
    func wait(for isWanted: @Sendable (Request) -> Bool) async throws {
        for _ in 0..<1000 {
            if requests.contains(where: isWanted) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw NeverCame()
    }

    func stop() async {
        let wasStopped = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return isStopped
        }
        guard !wasStopped else { return }
        try? await channel.close()
        try? await group.shutdownGracefully()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let shared: Shared
        private var input: [UInt8] = []

        init(_ shared: Shared) { self.shared = shared }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input += Array(unwrapInboundIn(data).readableBytesView)
            while let request = next() {
                shared.state.withLock { $0.requests.append(request) }
                perform(shared.answer(request)[...], NIOLoopBound(context, eventLoop: context.eventLoop))
            }
        }

        func channelActive(context: ChannelHandlerContext) {
            shared.state.withLock { $0.opened += 1 }
        }

        func channelInactive(context: ChannelHandlerContext) {
            shared.state.withLock { $0.closed += 1 }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private func next() -> Request? {
            guard let end = Answer.find("\r\n\r\n", in: input, from: 0) else { return nil }
            let lines = String(decoding: input[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
            let headers = lines.dropFirst().map { line in
                let colon = line.firstIndex(of: ":") ?? line.endIndex
                return (name: String(line[..<colon]), value: String(line[colon...].dropFirst().drop { $0 == " " }))
            }
            let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
            guard input.count >= end + 4 + length else { return nil }
            let body = String(decoding: input[end + 4..<end + 4 + length], as: UTF8.self)
            input.removeFirst(end + 4 + length)
            return Request(line: lines.first ?? "", headers: headers, body: body)
        }

        private func perform(_ steps: ArraySlice<Step>, _ context: NIOLoopBound<ChannelHandlerContext>) {
            guard let step = steps.first else { return }
            let rest = steps.dropFirst()
            let loop = context.value.eventLoop
            switch step {
            case .send(let text):
                let buffer = ByteBuffer(string: text)
                context.value.writeAndFlush(NIOAny(buffer), promise: nil)
                perform(rest, context)
            case .pause(let milliseconds):
                loop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) { self.perform(rest, context) }
            case .wait(let latch):
                if latch.isOpen { return perform(rest, context) }
                loop.assumeIsolated().scheduleTask(in: .milliseconds(2)) { self.perform(steps, context) }
            case .close:
                context.value.close(promise: nil)
            }
        }
    }
}

/// Something that a test opens once.
final class Latch: Sendable {
    private let state = Mutex(false)

    var isOpen: Bool { state.withLock { $0 } }
    func open() { state.withLock { $0 = true } }

    /// Waits until it is open.
    func wait() async {
        while !isOpen { try? await Task.sleep(for: .milliseconds(2)) }
    }
}

extension FakeUpstream.Step {
    /// A whole answer in JSON.
    static func json(_ body: String, status: String = "200 OK", _ headers: String...) -> FakeUpstream.Step {
        let lines = headers.map { $0 + "\r\n" }.joined()
        return .send(
            "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(lines)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    /// An answer without a body.
    static func empty(_ status: String, _ headers: String...) -> FakeUpstream.Step {
        let lines = headers.map { $0 + "\r\n" }.joined()
        return .send("HTTP/1.1 \(status)\r\n\(lines)Content-Length: 0\r\n\r\n")
    }

    /// The head of an event stream in chunks.
    static func events(_ headers: String...) -> FakeUpstream.Step {
        let lines = headers.map { $0 + "\r\n" }.joined()
        return .send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\(lines)Transfer-Encoding: chunked\r\n\r\n")
    }

    /// A chunk with these bytes.
    static func chunk(_ text: String) -> FakeUpstream.Step {
        .send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
    }

    /// A chunk with an event.
    static func event(_ data: String, id: String? = nil) -> FakeUpstream.Step {
        .chunk((id.map { "id: \($0)\n" } ?? "") + "event: message\ndata: \(data)\n\n")
    }

    static let lastChunk = FakeUpstream.Step.send("0\r\n\r\n")
}
