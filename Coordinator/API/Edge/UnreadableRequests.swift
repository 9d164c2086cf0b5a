internal import Contract
internal import HTTPTypes
package import NIOCore
internal import NIOHTTP1
package import NIOHTTPTypes
internal import StrictJSON

/// Answers bytes that are not an HTTP request with a problem, as every other refusal; confined to the connection's
/// event loop.
///
/// The server would answer 400 without a message. What turns out to be unreadable in the middle of a request is left to
/// it: the reader of the body hears of that.
package final class UnreadableRequests: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    private var underway = 0
    private var hasRefused = false

    /// For one connection.
    package init() {}

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { underway += 1 }
        context.fireChannelRead(data)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { underway -= 1 }
        context.write(data, promise: promise)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What comes behind it is no better, and has been answered.
        guard !hasRefused else { return }
        guard underway == 0, let error = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        hasRefused = true
        let problem = error == .headerOverflow ? Problem.headTooLarge : .unreadable
        let answer = Answer.problem(problem)
        let body = problem.json.bytes
        var headers = answer.headers
        headers[.contentLength] = "\(body.count)"
        headers[.connection] = "close"
        headers[.cacheControl] = "no-store"
        let head = HTTPResponse(status: answer.status, headerFields: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // One direction alone: with bytes unread, closing both would throw the answer away on its way. The other side
        // closes then, or the idle timeout does.
        let closed = context.eventLoop.makePromise(of: Void.self)
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        closed.futureResult.whenFailure { _ in context.value.close(promise: nil) }
        context.value.close(mode: .output, promise: closed)
    }
}

extension Problem {
    static let headTooLarge = Problem(
        "head_too_large",
        status: 431,
        title: "The head of the request is too large",
        detail: "A request has at most 100 headers of 16 KiB each and 32 KiB together."
    )

    static let unreadable = Problem(
        "unreadable",
        status: 400,
        title: "This is no request of HTTP/1.1",
        detail: "The request line, a header or the length of the body is malformed, or can be read in two ways."
    )
}
