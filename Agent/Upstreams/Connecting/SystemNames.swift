internal import Glibc
internal import NIOCore

/// The system's resolver: `/etc/hosts`, name servers, and what else `nsswitch.conf` names.
enum SystemNames {
    /// The addresses of a name in the order in which the system would try them (RFC 6724), with port 0.
    ///
    /// Both families are asked for at once. In separate look-ups, a name that `/etc/hosts` gives an address of one
    /// family would be looked for at the name servers for the sake of the other.
    ///
    /// Throws `UpstreamError`.
    @Sendable
    static func addresses(of host: String) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        errno = 0
        let status = getaddrinfo(host, nil, &hints, &list)
        let problem = errno
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            if [EAI_NONAME, EAI_FAMILY, noData, noFamily].contains(status) { throw UpstreamError.unknownName }
            throw status == EAI_MEMORY || UpstreamError.isOutOfRoom(problem) ? UpstreamError.noRoom : .unresolved
        }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            guard let raw = entry.pointee.ai_addr else { continue }
            switch entry.pointee.ai_family {
            case AF_INET:
                raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { found.append(SocketAddress($0.pointee)) }
            case AF_INET6:
                raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { found.append(SocketAddress($0.pointee)) }
            default: break
            }
        }
        return found
    }

    /// `EAI_NODATA` and `EAI_ADDRFAMILY` of netdb.h, which the module hides behind a feature macro.
    private static let noData: CInt = -5
    private static let noFamily: CInt = -9
}
