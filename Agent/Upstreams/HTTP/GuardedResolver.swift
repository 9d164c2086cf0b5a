import Addresses
import Fetch
import Glibc
import NIOCore
import NIOPosix

/// Resolves a server's name and leaves only addresses that may be connected to.
///
/// The check stands behind the resolver, so a name that answers with a private address today and a public one tomorrow
/// gains nothing: what is connected to is what was checked.
final class GuardedResolver: Resolver, Sendable {
    private let loop: any EventLoop
    private let rule: AddressRule

    init(loop: any EventLoop, rule: AddressRule) {
        self.loop = loop
        self.rule = rule
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        resolve(host, port, family: AF_INET)
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        resolve(host, port, family: AF_INET6)
    }

    func cancelQueries() {}

    /// `EAI_NODATA` and `EAI_ADDRFAMILY` of netdb.h, which the module hides behind a feature macro.
    private static let noData: CInt = -5
    private static let noFamily: CInt = -9

    private func resolve(_ host: String, _ port: Int, family: CInt) -> EventLoopFuture<[SocketAddress]> {
        let rule = rule
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try Self.addresses(of: host, port: port, family: family, admittedBy: rule)
        }
    }

    /// Asks the system's resolver; a name that is unknown in this family has no addresses.
    private static func addresses(
        of host: String,
        port: Int,
        family: CInt,
        admittedBy rule: AddressRule
    ) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            if [EAI_NONAME, EAI_FAMILY, noData, noFamily].contains(status) { return [] }
            throw UpstreamError(.connect, "The server's name could not be resolved.")
        }
        var found: [SocketAddress] = []
        var isRefused = false
        var next = list
        while let entry = next {
            defer { next = entry.pointee.ai_next }
            guard let raw = entry.pointee.ai_addr, let address = IPAddress(raw) else { continue }
            guard rule.admits(address) else {
                isRefused = true
                continue
            }
            switch entry.pointee.ai_family {
            case AF_INET:
                raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { found.append(SocketAddress($0.pointee)) }
            case AF_INET6:
                raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { found.append(SocketAddress($0.pointee)) }
            default: break
            }
        }
        guard !found.isEmpty || !isRefused else {
            throw UpstreamError(.refusedAddress, "The server's name leads to an address that may not be connected to.")
        }
        return found
    }
}
