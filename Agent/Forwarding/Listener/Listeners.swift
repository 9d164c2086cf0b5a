internal import Errors
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import ServiceKit
internal import Upstreams

/// Opens the two listening sockets; to be used on the event loop, where they live.
struct Listeners {
    let path: DataPath
    let pages: any LocalEndpoints
    let check: PeerCheck

    private static let backlog: Int32 = 1024

    /// Listens over TCP; returns the channel and where it listens.
    func open(_ address: ListenAddress, origins: [String]) -> EventLoopFuture<(any Channel, ListenAddress)> {
        let box = NIOLoopBound(ListenerContextBox(), eventLoop: path.loop)
        let (check, pages) = (NIOLoopBound(check, eventLoop: path.loop), pages)
        return bootstrap(box)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: address.host, port: address.port)
            .map { channel in
                let port = channel.localAddress?.port ?? address.port
                let rules = AccessRules(port: port, origins: origins)
                box.value.listener = ListenerContext(
                    rules: rules,
                    isSocket: false,
                    isSameUser: check.value.isSameUser(tcp:),
                    pages: pages
                )
                return (channel, address.with(port: port))
            }
            .flatMapErrorThrowing { throw Self.failure($0, "\(address)", next: "doorward agent --listen 127.0.0.1:0") }
    }

    /// Listens on a unix socket that only this user can reach; `port` is that of the other listener.
    func open(_ socket: SocketPath, port: Int, origins: [String]) -> EventLoopFuture<any Channel> {
        let box = NIOLoopBound(ListenerContextBox(), eventLoop: path.loop)
        let (check, pages) = (NIOLoopBound(check, eventLoop: path.loop), pages)
        return bootstrap(box)
            .bind(unixDomainSocketPath: socket.path)
            .flatMapThrowing { channel in
                // The folder keeps others out; the mode says so too.
                guard chmod(socket.path, 0o600) == 0 else {
                    channel.close(promise: nil)
                    throw ForwardingError(.badFolder, "\(socket.path) cannot be closed to others.")
                }
                let rules = AccessRules(port: port, origins: origins)
                box.value.listener = ListenerContext(
                    rules: rules,
                    isSocket: true,
                    isSameUser: check.value.isSameUser(unix:),
                    pages: pages
                )
                return channel
            }
            .flatMapErrorThrowing { throw Self.failure($0, socket.path, next: "doorward status") }
    }

    private func bootstrap(_ box: NIOLoopBound<ListenerContextBox>) -> ServerBootstrap {
        let path = NIOLoopBound(path, eventLoop: path.loop)
        return ServerBootstrap(group: self.path.loop)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.recvAllocator, value: PacedReading.buffers)
            .childChannelOption(.maxMessagesPerRead, value: PacedReading.readsInTurn)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Known once the listener is bound, which it is when a client comes.
                    guard let listener = box.value.listener else { throw ChannelError.ioOnClosedChannel }
                    try channel.pipeline.syncOperations.addHandler(
                        ClientConnection(path: path.value, listener: listener)
                    )
                }
            }
    }

    private static func failure(_ error: any Error, _ place: String, next: String) -> any Error {
        guard let error = error as? IOError else { return error }
        if error.errnoCode == EADDRINUSE {
            return ForwardingError(.inUse, "Somebody else listens on \(place).", next: next)
        }
        return ForwardingError(
            .system,
            "Nobody can listen on \(place): \(String(cString: strerror(error.errnoCode))).",
            next: next
        )
    }
}

/// Where a listener keeps its listener, whose rules need the port that it is bound to.
private final class ListenerContextBox {
    var listener: ListenerContext?
}
