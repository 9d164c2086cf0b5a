import Addresses
import Fetch
import Foundation
import NIOCore

/// A tunnel through an HTTP proxy: `CONNECT host:port` (RFC 9110 section 9.3.6).
struct ProxyTunnel: Sendable {
    let proxyHost: String
    let proxyPort: Int
    /// The whole request, which may hold the proxy's password: never logged.
    let request: [UInt8]

    /// - Throws: `UpstreamError` with the code `proxy` where the proxy's URL or a server named by its address is refused.
    init(proxy: String, endpoint: UpstreamEndpoint) throws {
        // A proxy's password is in its URL, where no other URL may have one.
        var text = proxy
        var credentials: String?
        if let scheme = text.range(of: "://"), let at = text.range(of: "@", options: .backwards) {
            credentials = String(text[scheme.upperBound..<at.lowerBound]).removingPercentEncoding
            text.removeSubrange(scheme.upperBound..<at.upperBound)
        } else if !text.contains("://") {
            text = "http://" + text
        }
        guard let url = WebURL(text), url.scheme == "http" else {
            throw UpstreamError(.proxy, "The proxy in HTTPS_PROXY is not an http:// URL.")
        }
        // Names are the proxy's to resolve; a literal address is judged here.
        if let address = endpoint.url.address, !endpoint.addresses.admits(address) {
            throw UpstreamError(.refusedAddress, "The server's address may not be connected to.")
        }
        // Behind a tunnel the certificate would be verified against the address of the connection: the proxy's.
        guard !endpoint.usesTLS || endpoint.url.address == nil else {
            throw UpstreamError(
                .proxy,
                "A server that is named by its address cannot be verified through a proxy. "
                    + "Use its name, or list it in NO_PROXY."
            )
        }
        proxyHost = url.host.hasPrefix("[") ? String(url.host.dropFirst().dropLast()) : url.host
        proxyPort = url.port
        var request = "CONNECT \(endpoint.url.authority) HTTP/1.1\r\nHost: \(endpoint.url.authority)\r\n"
        if let credentials {
            request += "Proxy-Authorization: Basic \(Data(credentials.utf8).base64EncodedString())\r\n"
        }
        self.request = Array((request + "\r\n").utf8)
    }
}

/// Asks the proxy for the tunnel, then takes itself out of the pipeline and lets the connection become active.
final class ProxyTunnelHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let tunnel: ProxyTunnel
    private var answer = ByteBuffer()
    private static let longestAnswer = 8192

    init(_ tunnel: ProxyTunnel) {
        self.tunnel = tunnel
    }

    // The handlers behind, TLS first, must not speak before the tunnel is open: what they would do when the channel
    // becomes active they do when this handler says so.
    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: tunnel.request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        answer.writeBuffer(&bytes)
        let view = answer.readableBytesView
        guard let end = view.firstRange(of: [13, 10, 13, 10]) else {
            if answer.readableBytes > Self.longestAnswer { fail(context, "The proxy's answer is too long.") }
            return
        }
        // `HTTP/1.1 200 ...`: a proxy that adds bytes behind its answer does not lead to a TLS server, which never
        // speaks first.
        let status = String(decoding: view.prefix(12), as: UTF8.self)
        guard status.hasPrefix("HTTP/1."), status.hasSuffix(" 200"), end.upperBound == view.endIndex else {
            fail(context, "The proxy refused the connection.")
            return
        }
        context.fireChannelActive()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func fail(_ context: ChannelHandlerContext, _ why: String) {
        context.fireErrorCaught(UpstreamError(.proxy, why))
        context.close(promise: nil)
    }
}
