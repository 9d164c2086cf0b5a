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
        let own = OutgoingRequest.OwnHead(version: version, session: session)
        var request = OutgoingRequest(head: .own(own), message: ByteBuffer(bytes: body), content: 0..<body.count)
        request.authorization = authorization
        request.lane = .aside
        let message = OneWayExchange()
        var buffer = ByteBuffer()
        guard let exchange = server.send(request, using: &buffer, delegate: message) else { return }
        message.exchange = exchange
        message.timer = path.loop.assumeIsolated().scheduleTask(in: deadline) { exchange.cancel() }
    }

    /// Reads what is left of an answer, for the sake of its connection.
    static func readOut(_ exchange: UpstreamExchange, on path: DataPath) {
        let message = OneWayExchange()
        exchange.handOver(to: message)
        message.exchange = exchange
        message.timer = path.loop.assumeIsolated().scheduleTask(in: deadline) { exchange.cancel() }
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
