internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// A message that the agent itself has to say to a server within a session, such as that it refuses a request; no
/// client waits for what becomes of it.
final class OneWayExchange: ExchangeDelegate {
    private var exchange: UpstreamExchange?
    private var timer: Scheduled<Void>?
    private var received = 0

    private static let deadline = TimeAmount.seconds(10)
    private static let mostReceived = 64 << 10

    private init() {}

    /// Sends it, in the session of this id if there is one.
    static func send(
        _ body: [UInt8],
        to server: ServedServer,
        session: JSONText?,
        version: [UInt8]?,
        authorization: [UInt8]?,
        path: DataPath
    ) {
        var buffer = ByteBuffer()
        let room = server.requestHead.room(
            clientHead: session?.utf8.count ?? 0,
            authorization: authorization?.count ?? 0
        )
        let isWritten = withBytes(session.flatMap { $0.utf8.isEmpty ? nil : $0.utf8 }) { session in
            withBytes(version) { version in
                withBytes(authorization) { authorization in
                    buffer.writeHead(reserving: room + body.count) { writer in
                        var parts = UpstreamRequestHead.Parts()
                        parts.bodyLength = body.count
                        parts.authorization = authorization
                        server.requestHead.write(parts, session: session, version: version, to: &writer)
                        body.withUnsafeBytes { writer.append($0) }
                    }
                }
            }
        }
        guard isWritten else { return }
        let message = OneWayExchange()
        let exchange = server.upstream.send(head: buffer, body: nil, lane: .aside, delegate: message)
        message.exchange = exchange
        message.timer = path.loop.assumeIsolated().scheduleTask(in: deadline) { exchange.cancel() }
    }

    private static func withBytes<Result>(
        _ bytes: [UInt8]?,
        _ body: (UnsafeBufferPointer<UInt8>?) -> Result
    ) -> Result {
        guard let bytes else { return body(nil) }
        return bytes.withUnsafeBufferPointer { body($0) }
    }

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {}

    func exchangeReceived(body: ByteBuffer) {
        received += body.readableBytes
        guard received > Self.mostReceived else { return }
        exchange?.cancel()
        finish()
    }

    func exchangeEnded() { finish() }

    func exchangeFailed(_ failure: UpstreamFailure) { finish() }

    private func finish() {
        timer?.cancel()
        timer = nil
        exchange = nil
    }
}
