import NIOCore
import NIOHPACK
import NIOPosix
import NIOSSL
import Synchronization

/// A server of HTTP/2 over TLS whose frames are those of a script, however wrong: it knows the form of frames, and no rule.
final class HTTP2Server: Sendable {
    /// A frame (RFC 9113 section 4.1).
    struct Frame: Sendable {
        enum Kind: UInt8, Sendable {
            case data, headers, priority, reset, settings, push, ping, goAway, window, continuation
        }

        var kind: Kind
        var flags: UInt8 = 0
        var stream = 0
        var payload: [UInt8] = []

        static let endStream: UInt8 = 1
        static let acknowledged: UInt8 = 1
        static let endHeaders: UInt8 = 4

        /// Whether the request is whole.
        var endsStream: Bool { (kind == .headers || kind == .data) && flags & Self.endStream != 0 }

        /// The four bytes of a number.
        static func number(_ value: Int) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
        }

        static func settings(_ values: [(Int, Int)] = []) -> Frame {
            Frame(kind: .settings, payload: values.flatMap { [0, UInt8($0.0)] + number($0.1) })
        }

        static func data(_ stream: Int, _ body: String, ends: Bool = false) -> Frame {
            Frame(kind: .data, flags: ends ? endStream : 0, stream: stream, payload: Array(body.utf8))
        }

        static func reset(_ stream: Int, _ code: Int) -> Frame {
            Frame(kind: .reset, stream: stream, payload: number(code))
        }

        static func goAway(after last: Int) -> Frame {
            Frame(kind: .goAway, payload: number(last) + number(0))
        }

        var bytes: [UInt8] {
            Array(Self.number(payload.count).dropFirst()) + [kind.rawValue, flags] + Self.number(stream) + payload
        }
    }

    /// One connection, for its script; on its event loop.
    final class Connection {
        let number: Int
        let server: HTTP2Server
        fileprivate let channel: any Channel
        private var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        fileprivate var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        /// What a script keeps for itself.
        var kept = 0

        fileprivate init(_ number: Int, _ channel: any Channel, _ server: HTTP2Server) {
            self.number = number
            self.channel = channel
            self.server = server
        }

        func send(_ frames: Frame...) {
            channel.writeAndFlush(ByteBuffer(bytes: frames.flatMap(\.bytes)), promise: nil)
        }

        func sendBytes(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

        /// Fields as they are sent.
        func headers(_ fields: [(String, String)]) -> [UInt8] {
            var buffer = ByteBuffer()
            try? encoder.encode(headers: HPACKHeaders(fields), to: &buffer)
            return Array(buffer.readableBytesView)
        }

        func head(_ stream: Int, _ fields: [(String, String)] = [], status: String = "200", ends: Bool = false) -> Frame
        {
            Frame(
                kind: .headers,
                flags: Frame.endHeaders | (ends ? Frame.endStream : 0),
                stream: stream,
                payload: headers([(":status", status)] + fields)
            )
        }

        /// A response with this body.
        func answer(_ stream: Int, _ body: String) {
            send(head(stream), .data(stream, body, ends: true))
        }

        /// The fields of a request, as text.
        func fields(_ frame: Frame) -> String {
            var buffer = ByteBuffer(bytes: frame.payload)
            let headers = try? decoder.decodeHeaders(from: &buffer)
            return headers?.map { "\($0.name): \($0.value)" }.joined(separator: "\n") ?? "not to be read"
        }

        func close() { channel.close(promise: nil) }

        func later(_ milliseconds: Int, _ body: @escaping () -> Void) {
            channel.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds)), body)
        }
    }

    typealias Script = @Sendable (Connection, Frame) -> Void

    let port: Int
    var certificate: String { files.certificate }
    private let files: TLSFiles
    private let listener: any Channel
    private let noted: Mutex<[String]>
    private let accepted: Counter

    /// What scripts have noted, in order.
    var notes: [String] { noted.withLock { $0 } }
    /// How many connections came in.
    var connections: Int { accepted.value.withLock { $0 } }

    func note(_ text: String) {
        noted.withLock { $0.append(text) }
    }

    fileprivate final class Counter: Sendable {
        let value = Mutex(0)
        let server = Mutex<HTTP2Server?>(nil)
    }

    /// - Parameters:
    ///   - settings: what it says first.
    ///   - protocols: what it agrees on; none where it knows nothing of that.
    ///   - alerts: whether it says so where it is offered HTTP/1.1, in place of agreeing on nothing.
    ///   - script: given each frame that comes.
    /// - Throws: where it cannot be started.
    init(
        settings: [(Int, Int)] = [],
        protocols: [String] = ["h2"],
        alerts: Bool = true,
        _ script: @escaping Script
    ) throws {
        files = try TLSFiles()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
        )
        tls.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: tls)
        let counter = Counter()
        accepted = counter
        noted = Mutex([])
        let first = Frame.settings(settings).bytes
        listener = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = counter.value.withLock { count in
                        count += 1
                        return count
                    }
                    guard let server = counter.server.withLock({ $0 }) else { return }
                    let connection = Connection(number, channel, server)
                    if alerts { try channel.pipeline.syncOperations.addHandler(HelloReader(connection)) }
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOSSLServerHandler(context: context),
                        FrameReader(connection, script, first)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .wait()
        port = listener.localAddress?.port ?? 0
        counter.server.withLock { $0 = self }
    }

    func stop() {
        listener.close(promise: nil)
        accepted.server.withLock { $0 = nil }
        files.remove()
    }
}

/// Refuses who offers HTTP/1.1: the names stand in the first bytes as they are.
private final class HelloReader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let connection: HTTP2Server.Connection

    init(_ connection: HTTP2Server.Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard unwrapInboundIn(data).readableBytesView.firstRange(of: "http/1.1".utf8) != nil else {
            context.fireChannelRead(data)
            return context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
        connection.server.note("refused")
        // A fatal alert, no_application_protocol (RFC 8446 section 6, RFC 7301 section 3.2).
        context.writeAndFlush(NIOAny(ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 120])), promise: nil)
        context.close(promise: nil)
    }
}

/// Cuts what comes into frames.
private final class FrameReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: HTTP2Server.Connection
    private let script: HTTP2Server.Script
    private let settings: [UInt8]
    private var buffer = ByteBuffer()
    private var isBegun = false

    init(_ connection: HTTP2Server.Connection, _ script: @escaping HTTP2Server.Script, _ settings: [UInt8]) {
        self.connection = connection
        self.script = script
        self.settings = settings
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        buffer.writeBuffer(&bytes)
        if !isBegun {
            guard buffer.readableBytes >= 24 else { return }
            guard buffer.readString(length: 24) == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" else {
                connection.server.note("no HTTP/2")
                return context.close(promise: nil)
            }
            isBegun = true
            context.writeAndFlush(NIOAny(ByteBuffer(bytes: settings)), promise: nil)
        }
        while let head = buffer.getBytes(at: buffer.readerIndex, length: 9) {
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard buffer.readableBytes >= 9 + length else { return }
            buffer.moveReaderIndex(forwardBy: 9)
            guard let kind = HTTP2Server.Frame.Kind(rawValue: head[3]) else { return context.close(promise: nil) }
            let stream = head[5...8].reduce(0) { $0 << 8 | Int($1) }
            let payload = buffer.readBytes(length: length) ?? []
            if kind == .settings, head[4] == 0 {
                connection.send(HTTP2Server.Frame(kind: .settings, flags: HTTP2Server.Frame.acknowledged))
            }
            script(connection, HTTP2Server.Frame(kind: kind, flags: head[4], stream: stream, payload: payload))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
