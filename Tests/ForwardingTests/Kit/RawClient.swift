import NIOCore
import NIOPosix
import Synchronization

/// A connection that sends what it is told, byte by byte, and collects what comes back.
final class RawClient: Sendable {
    /// What came, and whether the other side has closed.
    struct Received: Sendable {
        var text = ""
        var isClosed = false
    }

    struct TimedOut: Error { let text: String }

    private let channel: any Channel
    private let received: Collector
    /// Puts what the other side knows in place of what a test calls it.
    private let translate: @Sendable (String) async -> String

    private final class Collector: Sendable {
        let state = Mutex(Received())
    }

    /// Connects; with `isNarrow` little fits between the other side's writes and the reads here.
    init(
        port: Int,
        isNarrow: Bool = false,
        translate: @escaping @Sendable (String) async -> String = { $0 }
    ) async throws {
        self.translate = translate
        let collector = Collector()
        received = collector
        let bootstrap = Self.bootstrap(collector)
        channel = try await (isNarrow ? bootstrap.channelOption(.socketOption(.so_rcvbuf), value: 4096) : bootstrap)
            .connect(host: "127.0.0.1", port: port).get()
    }

    init(socketPath: String) async throws {
        translate = { $0 }
        let collector = Collector()
        received = collector
        channel = try await Self.bootstrap(collector).connect(unixDomainSocketPath: socketPath).get()
    }

    private static func bootstrap(_ collector: Collector) -> ClientBootstrap {
        ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(collector))
                }
            }
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: await translate(text)))
    }

    /// Reads no more, so that the other side's writes pile up.
    func stopReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
    }

    func close() async { try? await channel.close() }

    var text: String { received.state.withLock { $0.text } }
    var isClosed: Bool { received.state.withLock { $0.isClosed } }

    /// Waits until what has come is enough.
    @discardableResult
    func wait(seconds: Double = 5, until isEnough: @Sendable (Received) -> Bool) async throws -> String {
        let deadline = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
        var seen = (count: -1, isClosed: false)
        repeat {
            let now = received.state.withLock { $0 }
            // Looking at much text again and again would take the time of the other tests.
            if now.text.utf8.count != seen.count || now.isClosed != seen.isClosed {
                if isEnough(now) { return now.text }
                seen = (now.text.utf8.count, now.isClosed)
            }
            try await Task.sleep(for: .milliseconds(seen.count > 1 << 20 ? 100 : 2))
        } while ContinuousClock.now < deadline
        throw TimedOut(text: String(text.prefix(4096)))
    }

    /// Waits for the end of the connection, and returns all that came.
    func end(seconds: Double = 5) async throws -> String {
        try await wait(seconds: seconds) { $0.isClosed }
    }

    /// Waits for the next whole answer, takes it away and returns it.
    func answer(seconds: Double = 5) async throws -> Answer {
        try await wait(seconds: seconds) { Answer($0.text) != nil || $0.isClosed }
        return try received.state.withLock { state in
            guard let answer = Answer(state.text) else { throw TimedOut(text: state.text) }
            state.text = String(decoding: state.text.utf8.dropFirst(answer.length), as: UTF8.self)
            return answer
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let collector: Collector

        init(_ collector: Collector) { self.collector = collector }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            collector.state.withLock { $0.text += text }
        }

        func channelInactive(context: ChannelHandlerContext) {
            collector.state.withLock { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

/// An answer over HTTP, taken apart.
struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: String
    /// The number of bytes that it took.
    let length: Int

    /// The first answer in a text, if it is whole.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let end = Self.find("\r\n\r\n", in: bytes, from: 0) else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
        guard let first = lines.first, let status = Int(first.dropFirst(9).prefix(3)) else { return nil }
        self.status = status
        headers = Dictionary(
            lines.dropFirst().map { line in
                let colon = line.firstIndex(of: ":") ?? line.endIndex
                return (String(line[..<colon]).lowercased(), String(line[colon...].dropFirst(2)))
            },
            uniquingKeysWith: { first, _ in first }
        )
        let start = end + 4
        if headers["transfer-encoding"] == "chunked" {
            var position = start
            var body: [UInt8] = []
            while true {
                guard let lineEnd = Self.find("\r\n", in: bytes, from: position),
                    let size = Int(String(decoding: bytes[position..<lineEnd], as: UTF8.self), radix: 16),
                    lineEnd + 4 + size <= bytes.count
                else { return nil }
                body += bytes[lineEnd + 2..<lineEnd + 2 + size]
                position = lineEnd + 4 + size
                if size == 0 { break }
            }
            self.body = String(decoding: body, as: UTF8.self)
            length = position
        } else {
            let size = headers["content-length"].flatMap { Int($0) } ?? 0
            guard bytes.count >= start + size else { return nil }
            body = String(decoding: bytes[start..<start + size], as: UTF8.self)
            length = start + size
        }
    }

    static func find(_ text: String, in bytes: [UInt8], from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        guard start <= bytes.count - wanted.count else { return nil }
        var position = start
        while position <= bytes.count - wanted.count {
            if bytes[position] == wanted[0], bytes[position..<position + wanted.count].elementsEqual(wanted) {
                return position
            }
            position += 1
        }
        return nil
    }

    /// The messages of an event stream.
    var events: [String] {
        body.split(separator: "\r\n").filter { $0.hasPrefix("data: {") }.map { String($0.dropFirst(6)) }
    }
}
