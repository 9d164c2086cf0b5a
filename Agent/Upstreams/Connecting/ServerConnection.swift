import NIOCore

/// The last handler of a channel to a server.
protocol ServerConnection: ChannelHandler {
    var server: UpstreamServer { get }
    /// Closes the file at once, where there is TLS.
    var transport: TransportEnd? { get set }

    /// Its file is closed: the channel itself tells of it a moment later.
    func fileClosed()
}
