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
        let remote = channel.remoteAddress
        if let remote, let address = IPAddress(remote), !rule.requiresOwner(at: address) { return nil }
        return owner(of: channel).complaint(port: remote?.port ?? 0).map { UpstreamError(.foreignServer, $0) }
    }

    private func owner(of channel: any Channel) -> ServerOwner {
        guard let server = channel.remoteAddress.flatMap(SocketOwner.End.init),
            let client = channel.localAddress.flatMap(SocketOwner.End.init)
        else { return .unknown }
        return source?.owner(ofServer: server, of: client, expecting: user) ?? .unknown
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
