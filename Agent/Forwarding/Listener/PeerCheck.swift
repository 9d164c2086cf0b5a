internal import Addresses
internal import Glibc
internal import NIOCore

/// Whether the other end of a connection belongs to the user that the agent runs as; root is a stranger too.
struct PeerCheck {
    private let owner: OwnerSource
    private let user: UInt32

    /// Asks the kernel's socket table; nil where it cannot be asked, and then the agent may not listen.
    init?() {
        guard let owner = SocketOwner() else { return nil }
        self.owner = OwnerSource(owner)
        user = getuid()
    }

    /// The owner of a TCP connection within this machine.
    func isSameUser(tcp channel: any Channel) -> Bool {
        guard let peer = channel.remoteAddress.flatMap(Self.end), let local = channel.localAddress.flatMap(Self.end)
        else { return false }
        return owner.value.uid(ofPeer: peer, connectedTo: local) == user
    }

    /// The owner of a connection over a unix socket, as the kernel noted it when it was made.
    func isSameUser(unix channel: any Channel) -> Bool {
        guard let provider = channel as? any SocketOptionProvider else { return false }
        var isSameUser = false
        let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
            level: .socket,
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        )
        let user = user
        // On its own loop the answer is there at once; if it ever were not, every peer would be refused.
        credentials.assumeIsolated().whenSuccess { isSameUser = $0.uid == user }
        return isSameUser
    }

    private static func end(_ address: SocketAddress) -> SocketOwner.End? {
        address.withSockAddr { pointer, length in
            SocketOwner.End(UnsafeRawBufferPointer(start: pointer, count: length))
        }
    }
}

/// `struct ucred` of unix(7), which the C library's module hides.
private struct PeerCredentials: Sendable {
    let pid: Int32
    let uid: UInt32
    let gid: UInt32
}

/// Holds the netlink socket, which has one owner and ends with it.
private final class OwnerSource {
    let value: SocketOwner

    init(_ value: consuming SocketOwner) {
        self.value = value
    }
}
