import NIOCore

/// The first handler of a channel on which closing is a conversation: from here the file is closed at once.
///
/// TLS says goodbye and waits for an answer.
final class TransportEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func cut() { context?.close(promise: nil) }
}
