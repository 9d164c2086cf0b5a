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
        if remote?.protocol == .unix { return isMine(unix: channel) ? nil : .foreignSocket }
        if let remote, let address = IPAddress(remote), !rule.requiresOwner(at: address) { return nil }
        return owner(of: channel).complaint(port: remote?.port ?? 0).map { UpstreamError(.foreignServer, $0) }
    }

    /// Whether the program behind a unix socket is this user's or root's, as the kernel noted it when it began to listen.
    private func isMine(unix channel: any Channel) -> Bool {
        guard let provider = channel as? any SocketOptionProvider else { return false }
        var isMine = false
        let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
            level: .socket,
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        )
        // On its own loop the answer is there at once; if it ever were not, nobody would be spoken to.
        credentials.assumeIsolated().whenSuccess { isMine = $0.uid == self.user || $0.uid == 0 }
        return isMine
    }

    private func owner(of channel: any Channel) -> ServerOwner {
        guard let server = channel.remoteAddress.flatMap(SocketOwner.End.init),
            let client = channel.localAddress.flatMap(SocketOwner.End.init)
        else { return .unknown }
        return source?.owner(ofServer: server, of: client, expecting: user) ?? .unknown
    }
}

/// `struct ucred` of unix(7), which the C library's module hides.
private struct PeerCredentials: Sendable {
    let pid: Int32
    let uid: UInt32
    let gid: UInt32
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
