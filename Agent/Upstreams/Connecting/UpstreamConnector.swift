import Addresses
import Fetch
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// Where a connection to a server leads: to the server itself, or to the proxy that leads on.
struct ConnectTarget {
    let host: String
    let port: Int
    /// What `host` is where it is a literal address, which needs no look-up.
    let address: SocketAddress?
    /// What the name may lead to, and whose the program there has to be.
    let rule: AddressRule
    let tunnel: ProxyTunnel?
}

/// Opens connections to MCP servers: under the endpoint's rule, through the proxy of the environment where there is one for
/// it, and with TLS.
final class UpstreamConnector {
    let owner = LoopbackOwner()
    private let loop: any EventLoop
    private struct TLSKind: Hashable {
        /// Of an entry that brings its own.
        let authorities: String?
        let isHTTP2: Bool
    }

    private let settings: TLSConfiguration
    /// For nearly all servers.
    private let tls: NIOSSLContext
    /// For those whose entries bring authorities of their own, or that speak HTTP/2 alone.
    private var otherTLS: [TLSKind: NIOSSLContext] = [:]
    private let proxies: ProxyEnvironment
    private let timeout: TimeAmount

    init(loop: any EventLoop, proxies: ProxyEnvironment, configuration: UpstreamConfiguration) throws {
        self.loop = loop
        self.proxies = proxies
        timeout = configuration.connectTimeout
        var settings = Self.usual
        if let file = configuration.authoritiesFile {
            settings.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(file))]
        }
        self.settings = settings
        tls = try NIOSSLContext(configuration: settings)
    }

    /// What TLS to an endpoint is made with.
    ///
    /// - Throws: `UpstreamError` where its authorities cannot be read: no other one may vouch for it.
    func context(for endpoint: UpstreamEndpoint, isHTTP2: Bool = false) throws -> NIOSSLContext {
        let kind = TLSKind(authorities: endpoint.authorities, isHTTP2: isHTTP2)
        guard kind != TLSKind(authorities: nil, isHTTP2: false) else { return tls }
        if let made = otherTLS[kind] { return made }
        var settings = settings
        if let authorities = endpoint.authorities {
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(authorities.utf8)), !certificates.isEmpty
            else {
                throw UpstreamError(.tls, "The authority that the server's entry brings cannot be read.")
            }
            settings.trustRoots = .certificates(certificates)
            settings.additionalTrustRoots = []
        }
        if isHTTP2 { settings.applicationProtocols = [HTTP2Limits.name] }
        let context = try NIOSSLContext(configuration: settings)
        // As many as there are entries; those that were changed are forgotten now and then.
        if otherTLS.count >= Self.mostContexts { otherTLS = [:] }
        otherTLS[kind] = context
        return context
    }

    private static let mostContexts = 256

    private static var usual: TLSConfiguration {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12
        // Alone, although many servers have HTTP/2 too: most of those would choose it, and it is the slower way here.
        settings.applicationProtocols = ["http/1.1"]
        // So long a server may let a goodbye wait.
        settings.shutdownTimeout = .seconds(1)
        return settings
    }

    /// Whether connections to an endpoint carry neither TLS nor a tunnel.
    func isPlain(_ endpoint: UpstreamEndpoint) -> Bool {
        endpoint.unixSocket != nil || !endpoint.usesTLS && proxies.proxy(for: endpoint.url) == nil
    }

    /// Where to connect to.
    ///
    /// - Throws: `UpstreamError` where the proxy of the environment, or a literal address, may not be connected to.
    func target(of endpoint: UpstreamEndpoint) throws -> ConnectTarget {
        if let path = endpoint.unixSocket {
            let address = try SocketAddress(unixDomainSocketPath: path)
            return ConnectTarget(host: "", port: 0, address: address, rule: endpoint.addresses, tunnel: nil)
        }
        let tunnel = try proxies.proxy(for: endpoint.url).map { try ProxyTunnel(proxy: $0, endpoint: endpoint) }
        let host = tunnel?.proxyHost ?? endpoint.hostName
        let port = tunnel?.proxyPort ?? endpoint.url.port
        // A proxy may itself be on a private network, and anybody's: the user's own environment names it.
        let rule = tunnel == nil ? endpoint.addresses : .any
        var address: SocketAddress?
        if let literal = IPAddress(literal: host) {
            guard rule.admits(literal) else {
                throw UpstreamError(.refusedAddress, "The server's address may not be connected to.")
            }
            address = try SocketAddress(ipAddress: host, port: port)
        }
        return ConnectTarget(host: host, port: port, address: address, rule: rule, tunnel: tunnel)
    }

    /// Connects; the channel that comes has the connection as its last handler and, with TLS, has not begun the handshake.
    func connect(
        to address: SocketAddress,
        of target: ConnectTarget,
        for attempt: ConnectAttempt
    ) -> EventLoopFuture<any Channel> {
        let attempt = NIOLoopBound(attempt, eventLoop: loop)
        var bootstrap = ClientBootstrap(group: loop)
        // A unix socket does not wait for more to send, and refuses the option.
        if address.protocol != .unix { bootstrap = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1) }
        return
            bootstrap
            .connectTimeout(timeout)
            .channelOption(.recvAllocator, value: PacedReading.buffers)
            .channelOption(.maxMessagesPerRead, value: PacedReading.readsInTurn)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let isHTTP2 = attempt.value.sessions != nil
                    let connection = try attempt.value.opened(channel)
                    let endpoint = connection.server.endpoint
                    let pipeline = channel.pipeline.syncOperations
                    if endpoint.usesTLS {
                        let end = TransportEnd()
                        connection.transport = end
                        try pipeline.addHandler(end)
                    }
                    if let tunnel = target.tunnel { try pipeline.addHandler(ProxyTunnelHandler(tunnel)) }
                    if endpoint.usesTLS {
                        // A literal address is verified against the certificate's addresses and sends no SNI.
                        let name = endpoint.url.address == nil ? endpoint.hostName : nil
                        let context = try connection.server.pool.connector.context(for: endpoint, isHTTP2: isHTTP2)
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    }
                    if let connection = connection as? HTTP2Connection {
                        try pipeline.addHandler(HTTP2Limits.handler(connection))
                    }
                    try pipeline.addHandler(connection)
                }
            }
            .connect(to: address)
    }
}
