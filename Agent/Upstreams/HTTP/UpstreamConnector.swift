import Addresses
import Fetch
import NIOCore
import NIOPosix
import NIOSSL

/// Opens connections to MCP servers: resolves under the endpoint's rule, through the proxy of the environment where there
/// is one for it, and with TLS.
final class UpstreamConnector {
    private let loop: any EventLoop
    private let tls: NIOSSLContext
    private let proxies: ProxyEnvironment
    private let timeout: TimeAmount

    init(loop: any EventLoop, proxies: ProxyEnvironment, configuration: UpstreamConfiguration) throws {
        self.loop = loop
        self.proxies = proxies
        timeout = configuration.connectTimeout
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12
        settings.applicationProtocols = ["http/1.1"]
        if let file = configuration.authoritiesFile {
            settings.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(file))]
        }
        tls = try NIOSSLContext(configuration: settings)
    }

    /// Whether connections to an endpoint carry neither TLS nor a tunnel.
    func isPlain(_ endpoint: UpstreamEndpoint) -> Bool {
        !endpoint.usesTLS && proxies.proxy(for: endpoint.url) == nil
    }

    /// Connects; the channel that comes has `handler` as its last and, with TLS, has not necessarily ended the handshake.
    func connect(
        to endpoint: UpstreamEndpoint,
        handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let tunnel: ProxyTunnel?
        do {
            tunnel = try proxies.proxy(for: endpoint.url).map { try ProxyTunnel(proxy: $0, endpoint: endpoint) }
        } catch {
            return loop.makeFailedFuture(error)
        }
        // A proxy may itself be on a private network: the user's own environment names it.
        let rule = tunnel == nil ? endpoint.addresses : .any
        let tls = tls
        return ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 8192, maximum: 65536)
            )
            .resolver(GuardedResolver(loop: loop, rule: rule))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tunnel { try pipeline.addHandler(ProxyTunnelHandler(tunnel)) }
                    if endpoint.usesTLS {
                        // A literal address is verified against the certificate's addresses and sends no SNI.
                        let name = endpoint.url.address == nil ? endpoint.hostName : nil
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try pipeline.addHandler(handler())
                }
            }
            .connect(
                host: tunnel?.proxyHost ?? endpoint.hostName,
                port: tunnel?.proxyPort ?? endpoint.url.port
            )
    }
}
