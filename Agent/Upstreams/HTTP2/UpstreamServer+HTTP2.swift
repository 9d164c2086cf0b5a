import NIOCore

// Whether a server is asked over HTTP/1.1, as nearly all can be, or over HTTP/2, as some must be.
extension UpstreamServer {
    /// Whether nothing rests from here on.
    var isClosing: Bool { isStopped || isRetired }

    /// The server has refused HTTP/1.1: it is asked over HTTP/2 from here on, this exchange first.
    ///
    /// - Returns: false where that was tried.
    func useHTTP2(for exchange: UpstreamExchange) -> Bool {
        guard endpoint.usesTLS, !exchange.hasChangedProtocol else { return false }
        exchange.hasChangedProtocol = true
        health.connectAbandoned()
        let sessions = http2 ?? HTTP2Sessions(self)
        http2 = sessions
        sessions.start(exchange)
        return true
    }

    /// A connection on which no protocol was agreed on has ended without a word, as at servers that speak HTTP/2 alone and do not
    /// say so: it is tried, once.
    func suspectHTTP2() {
        guard endpoint.usesTLS, http2 == nil, !hasRefusedHTTP2 else { return }
        http2 = HTTP2Sessions(self)
    }

    /// The server does not speak HTTP/2, or not any more: it is asked over HTTP/1.1 again.
    func leaveHTTP2(_ waiting: [UpstreamExchange], wasProven: Bool) {
        http2 = nil
        hasRefusedHTTP2 = !wasProven
        health.connectAbandoned()
        for exchange in waiting {
            if exchange.hasChangedProtocol {
                noteConnectFailure(.noSharedProtocol)
                refuseRunning(exchange, .noSharedProtocol)
            } else {
                exchange.hasChangedProtocol = true
                connect(for: exchange, at: loop.now)
            }
        }
    }
}
