internal import NIOCore

// A request goes out a second time in two cases only: nothing of it was sent, or it may reach the server twice and nothing of
// an answer came.
extension UpstreamServer {
    /// Puts an exchange on another connection, as the server had closed the one that it was on before anything was sent.
    func restart(_ exchange: UpstreamExchange, afterIdle idle: TimeAmount) {
        idleLimit.serverClosed(afterIdle: idle, at: loop.now)
        dispatch(exchange)
    }

    /// Sends an exchange once more, whose connection ended without a byte of an answer: on a connection of its own, as the
    /// others may have ended like that one.
    func askAgain(_ exchange: UpstreamExchange) {
        exchange.isRepeatable = false
        exchange.isRepeated = true
        if let http2 { http2.start(exchange) } else { connect(for: exchange, at: loop.now) }
    }
}
