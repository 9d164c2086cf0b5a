internal import NIOCore
internal import Policy
internal import Upstreams
internal import Wire

/// A call whose client has gone, while the server may still work on it: its slots are given back once the server has
/// answered, or some seconds after the server was told that no client waits any more.
///
/// Else a client would have as many calls running as it likes, by leaving each.
final class LostCall: ExchangeDelegate {
    private var permit: LimitPermit
    private var exchange: UpstreamExchange?
    private var timer: Scheduled<Void>?
    private var received = 0
    private let longest: Int

    /// How long a slot is kept once the server was told.
    static let grace = TimeAmount.seconds(5)

    private init(_ permit: LimitPermit, _ exchange: UpstreamExchange?, longest: Int) {
        self.permit = permit
        self.exchange = exchange
        self.longest = longest
    }

    /// Keeps the slots of a call.
    ///
    /// - Parameters:
    ///   - permit: the slots.
    ///   - exchange: what brings the server's answer; nil where it was cancelled by being closed.
    ///   - longest: how much of the answer is read.
    ///   - loop: the event loop.
    static func keep(_ permit: LimitPermit, until exchange: UpstreamExchange?, longest: Int, on loop: any EventLoop) {
        let lost = LostCall(permit, exchange, longest: longest)
        exchange?.handOver(to: lost)
        exchange?.isReading = true
        lost.timer = loop.assumeIsolated().scheduleTask(in: grace) {
            lost.stopReading()
            lost.permit.release()
        }
    }

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {}

    func exchangeReceived(body: ByteBuffer) {
        received += body.readableBytes
        if received > longest { stopReading() }
    }

    func exchangeEnded() {
        exchange = nil
        timer?.cancel()
        timer = nil
        permit.release()
    }

    /// A connection that breaks says nothing of what the server does.
    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
    }

    private func stopReading() {
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
    }
}
