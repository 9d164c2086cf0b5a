package import NIOCore
package import NIOHTTPTypes

/// What one connection may take its time with; confined to the connection's event loop.
///
/// A request must be whole some time after its head, however steadily it drips; an answer must be taken, too slowly is not
/// at all; and what is sent without being read has an end. A head that does not come is the business of the idle timeout.
package final class ConnectionDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    /// From the head of a request to its end.
    static let request = TimeAmount.seconds(60)
    /// How long the other side may take nothing of an answer.
    static let stall = TimeAmount.seconds(60)
    /// More than the largest body of any operation: the rest of a body that was refused is read and thrown away, so that
    /// the refusal is heard, but not for ever.
    static let mostBytes = 16 << 20

    private let ledger: ConnectionLedger
    private let request: TimeAmount
    private let stall: TimeAmount
    private var requestDeadline: Scheduled<Void>?
    private var stallDeadline: Scheduled<Void>?
    private var bytes = 0
    /// Requests whose head has come and whose answer has not been written.
    private var underway = 0
    /// Whether the newest request is not whole yet.
    private var isArriving = false
    private var isListed = false
    /// Whether nothing more comes from the other side.
    private var hasLeft = false
    /// Who waits to hear of that.
    private var disconnect: DisconnectSignal?

    /// - Parameters:
    ///   - ledger: Where this connection is listed.
    ///   - request: How long a request may take to arrive.
    ///   - stall: How long nothing of an answer may be taken.
    package init(
        ledger: ConnectionLedger,
        request: TimeAmount = ConnectionDeadlines.request,
        stall: TimeAmount = ConnectionDeadlines.stall
    ) {
        self.ledger = ledger
        self.request = request
        self.stall = stall
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { list(context) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        list(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        requestDeadline?.cancel()
        stallDeadline?.cancel()
        ledger.gone(context.channel)
        leave()
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            underway += 1
            isArriving = true
            bytes = 0
            list(context)
            requestDeadline?.cancel()
            requestDeadline = close(context, in: request)
        case .body(let buffer):
            bytes += buffer.readableBytes
            guard bytes <= Self.mostBytes else {
                context.close(promise: nil)
                return
            }
        case .end:
            isArriving = false
            list(context)
            requestDeadline?.cancel()
        }
        context.fireChannelRead(data)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            underway -= 1
            disconnect = nil
            list(context)
        }
        context.write(data, promise: promise)
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallDeadline?.cancel()
        stallDeadline = context.channel.isWritable ? nil : close(context, in: stall)
        list(context)
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The other side may still read, and mostly it is gone: what is under way is answered, and nothing is waited for.
        if case .inputClosed? = event as? ChannelEvent { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard let disconnect = event as? DisconnectSignal else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        self.disconnect = disconnect
        if hasLeft { disconnect.end() }
        promise?.succeed()
    }

    private func leave() {
        hasLeft = true
        disconnect?.end()
        disconnect = nil
    }

    /// Tells the ledger what this connection is doing.
    private func list(_ context: ChannelHandlerContext) {
        guard isListed else {
            isListed = true
            ledger.opened(context.channel)
            return
        }
        // A request that is not whole is not answered, however much there is of it; what is not taken need not be kept.
        let whole = isArriving ? underway - 1 : underway
        ledger.changed(context.channel, isBusy: whole > 0 && context.channel.isWritable)
    }

    private func close(_ context: ChannelHandlerContext, in time: TimeAmount) -> Scheduled<Void> {
        context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }
}
