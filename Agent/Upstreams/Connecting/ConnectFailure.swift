import Glibc
import NIOCore
import NIOSSL

extension UpstreamError {
    /// What an error of the transport means; messages name no address, so that records and answers hold none.
    init(transport error: any Error, otherwise code: Code) {
        switch error {
        case let error as UpstreamError:
            self = error
        case let error as IOError where Self.isOutOfRoom(error.errnoCode):
            self = .noRoom
        case _ where Self.isProtocolAlert(error):
            self = .noSharedProtocol
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            self.init(.tls, "No trusted TLS connection to the server came about.")
        case ChannelError.connectTimeout:
            self = .connectTimeout
        default:
            self =
                code == .closed ? .closed : Self(code, "The server cannot be reached: nobody answers at its address.")
        }
    }

    /// Whether a server agrees on none of the protocols that it was offered: the alert of RFC 7301 section 3.2, for which the
    /// library has no better name than this text.
    static func isProtocolAlert(_ error: any Error) -> Bool {
        error is NIOSSLError && "\(error)".contains("NO_APPLICATION_PROTOCOL")
    }

    /// Whether an error of the system says that this process, or the machine, has nothing left to give.
    static func isOutOfRoom(_ number: CInt) -> Bool {
        switch number {
        // The last one: every local port that could lead there is taken.
        case EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL: true
        default: false
        }
    }

    static let connectTimeout = UpstreamError(.timeout, "The server did not take the connection in time.")
    static let silentName = UpstreamError(
        .timeout,
        "The server's name could not be looked up in time: its name servers do not answer."
    )
    static let unknownName = UpstreamError(.connect, "The server's name has no address.")
    static let unresolved = UpstreamError(.connect, "The server's name could not be resolved.")
    static let refusedName = UpstreamError(
        .refusedAddress,
        "The server's name leads to an address that may not be connected to."
    )
    static let foreignSocket = UpstreamError(.foreignServer, "Another user's program listens on the socket.")
    static let noSharedProtocol = UpstreamError(.tls, "The server speaks neither HTTP/1.1 nor HTTP/2 over TLS.")
    static let closed = UpstreamError(.closed, "The server closed the connection before it had answered.")
    static let silent = UpstreamError(.closed, "The connection to the server is dead: it gives no sign of life.")
    static let refusedByServer = UpstreamError(
        .tooManyConnections,
        "The server takes no more requests on its connection: try again in a moment."
    )
    static let noRequest = UpstreamError(.malformedResponse, "The request cannot be sent over HTTP/2.")
    static let shutDown = UpstreamError(.closed, "The agent is shutting down.")
    static let down = UpstreamError(.down, "The server could not be reached a moment ago.")
    static let busy = UpstreamError(
        .tooManyConnections,
        "Too many calls to the server are under way: try again in a moment."
    )
    static let noRoom = UpstreamError(
        .noRoom,
        "The agent has as many files open as it may have, and could open no connection: try again in a moment."
    )
    package static let noThread = UpstreamError(
        .noRoom,
        "The agent is looking up as many names as it can at a time, and their name servers do not answer: "
            + "try again in a moment."
    )
    static let noResponse = UpstreamError(.malformedResponse, "The server's answer is no proper HTTP response.")
}
