import Addresses
import Glibc
import NIOCore

/// Asks whose program a connection within this machine has reached, once for each connection and before anything is said.
final class LoopbackOwner {
    /// Nil where the kernel cannot be asked.
    private let source: SocketOwner?
    private let user = geteuid()

    init() { source = SocketOwner() }

    /// Why nothing may be said on a connection; nil where all is well.
    func refusal(of channel: any Channel, by rule: AddressRule) -> UpstreamError? {
        guard let remote = channel.remoteAddress, let address = IPAddress(remote) else { return .unknownOwner(nil) }
        guard rule.requiresOwner(at: address) else { return nil }
        guard let server = SocketOwner.End(remote), let client = channel.localAddress.flatMap(SocketOwner.End.init)
        else {
            return .unknownOwner(remote.port)
        }
        switch source?.owner(ofServer: server, of: client, expecting: user) {
        case .expected: return nil
        case .somebody(let other): return .foreign(port: remote.port, owner: other, user: user)
        case .unknown, nil: return .unknownOwner(remote.port)
        }
    }
}

extension SocketOwner.End {
    fileprivate init?(_ address: SocketAddress) {
        let end = address.withSockAddr { pointer, length in
            SocketOwner.End(UnsafeRawBufferPointer(start: pointer, count: length))
        }
        guard let end else { return nil }
        self = end
    }
}

extension UpstreamError {
    fileprivate static func foreign(port: Int?, owner: UInt32, user: UInt32) -> UpstreamError {
        UpstreamError(
            .foreignServer,
            "Port \(port ?? 0) of this machine is held by a program of user id \(owner), which is neither you (\(user)) "
                + "nor root."
        )
    }

    fileprivate static func unknownOwner(_ port: Int?) -> UpstreamError {
        UpstreamError(.foreignServer, "The kernel does not say whose program has port \(port ?? 0) of this machine.")
    }
}
