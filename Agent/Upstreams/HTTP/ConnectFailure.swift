import NIOCore
import NIOPosix
import NIOSSL

extension UpstreamError {
    /// What an error of the transport means; messages name no address, so that records and answers hold none.
    init(transport error: any Error, otherwise code: Code) {
        switch error {
        case let error as UpstreamError:
            self = error
        case let error as NIOConnectionError:
            self.init(connection: error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            self.init(.tls, "No trusted TLS connection to the server came about.")
        case ChannelError.connectTimeout:
            self = .connectTimeout
        default:
            self.init(code, code == .closed ? "The server closed the connection." : "The server cannot be reached.")
        }
    }

    private init(connection error: NIOConnectionError) {
        let resolving = [error.dnsAError, error.dnsAAAAError].compactMap { $0 as? UpstreamError }
        if let refused = resolving.first(where: { $0.code == .refusedAddress }), error.connectionErrors.isEmpty {
            self = refused
        } else if error.connectionErrors.isEmpty {
            self.init(.connect, "The server's name has no address.")
        } else if error.connectionErrors.contains(where: {
            if case ChannelError.connectTimeout = $0.error { true } else { false }
        }) {
            self = .connectTimeout
        } else {
            self.init(.connect, "The server cannot be reached: nobody answers at its address.")
        }
    }

    static let connectTimeout = UpstreamError(.timeout, "The server did not take the connection in time.")
    static let closed = UpstreamError(.closed, "The server closed the connection before it had answered.")
    static let shutDown = UpstreamError(.closed, "The agent is shutting down.")
    static let down = UpstreamError(.down, "The server could not be reached a moment ago.")
    static let busy = UpstreamError(.tooManyConnections, "Too many calls to this server are under way.")
    static let noResponse = UpstreamError(.malformedResponse, "The server's answer is no proper HTTP response.")
}
