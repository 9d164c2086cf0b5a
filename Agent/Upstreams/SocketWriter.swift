internal import Glibc
package import NIOCore

/// Writes what the last handler of a channel has to say: straight to the socket as long as nothing waits before it, else
/// through the channel.
///
/// The way through the channel costs as much as half of what else is done for a short call, and what it is for (waiting
/// until the kernel takes more) is seldom needed.
package final class SocketWriter {
    private let context: ChannelHandlerContext
    /// Nil where bytes change on their way, where there is no socket, and once the connection has ended: from then on the
    /// number may be that of another connection.
    private var socket: NIOBSDSocket.Handle?
    /// What waits in the channel must not be overtaken.
    private var waiting = 0
    /// What goes out with `flush`.
    private var held: ByteBuffer?

    /// - Parameters:
    ///   - context: of the last handler.
    ///   - isPlain: whether no handler before it changes or holds back what is written.
    package init(_ context: ChannelHandlerContext, isPlain: Bool) {
        self.context = context
        // Valid until `end`: a channel tells of its end in the moment in which it closes its socket.
        socket = isPlain ? (try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable { $0 }) ?? nil : nil
    }

    /// Writes.
    ///
    /// - Parameters:
    ///   - buffer: what to write.
    ///   - isLast: whether nothing follows at once; else the kernel keeps it for a moment, to send it with what follows.
    ///   - promise: succeeds once the kernel has all of it.
    package func write(_ buffer: ByteBuffer, isLast: Bool = true, promise: EventLoopPromise<Void>? = nil) {
        flush()
        guard let socket else {
            if isLast {
                context.writeAndFlush(NIOAny(buffer), promise: promise)
            } else {
                context.write(NIOAny(buffer), promise: promise)
            }
            return
        }
        var rest = buffer
        if waiting == 0 {
            let flags = Int32(isLast ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_MORE)
            let count = buffer.withUnsafeReadableBytes { send(socket, $0.baseAddress, $0.count, flags) }
            if count == buffer.readableBytes {
                promise?.succeed(())
                return
            }
            if count > 0 { rest.moveReaderIndex(forwardBy: count) }
        }
        // The channel waits until the kernel takes more; it also meets again whatever error there was, and closes by it.
        waiting += 1
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            self.waiting -= 1
            if case .failure = result { self.end() }
        }
        context.writeAndFlush(NIOAny(rest), promise: promise)
    }

    /// Holds back what is to be written, until `flush` or the next write.
    package func hold(_ buffer: ByteBuffer) {
        flush()
        held = buffer
    }

    /// Writes what is held back.
    package func flush() {
        guard let buffer = held else { return }
        held = nil
        write(buffer)
    }

    /// The connection has ended.
    package func end() {
        socket = nil
        held = nil
    }
}
