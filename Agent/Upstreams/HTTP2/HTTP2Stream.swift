import NIOCore
import NIOHTTP2

/// One exchange on a connection of HTTP/2, which it shares with others; belongs to the event loop.
final class HTTP2Stream {
    enum Phase {
        case head
        case body
    }

    let id: HTTP2StreamID
    let connection: HTTP2Connection
    let exchange: UpstreamExchange
    var phase = Phase.head
    /// How many bytes the server may still send, as the library counts them; nil before it has said so.
    var window: Int?
    /// Whether the kernel, or TLS before it, has the head of the request: from here on the server may have heard of it.
    var hasLeft = false
    /// Whether all of the request has left.
    var isSent = false
    /// How many interim responses have come.
    var interims = 0
    /// Whether its response, by its head, may have a body.
    var hasBody = true

    init(_ id: HTTP2StreamID, of exchange: UpstreamExchange, on connection: HTTP2Connection) {
        self.id = id
        self.exchange = exchange
        self.connection = connection
    }

    /// The delegate of the exchange has enough of the body for now, or wants more: the server is told by what it may send.
    func setReading(_ isReading: Bool) {
        if isReading { connection.widen(self) }
    }

    /// The exchange is over before its response is whole.
    func cancel() {
        connection.reset(self)
        connection.emptied(at: connection.server.loop.now)
    }
}
