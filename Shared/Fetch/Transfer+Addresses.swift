import Addresses
import CCurl
import Glibc

// Where a connection may lead, and whose program it may reach.
extension Transfer {
    /// The one place where an address is judged: after the resolver, for each address tried, so that no spelling
    /// of a literal and no change of a name between two look-ups goes past it.
    func openSocket(_ target: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
        let bad: curl_socket_t = -1
        guard let target, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return bad }
        // Read in place: an IPv6 address is longer than the `sockaddr` that the type claims.
        let raw = UnsafeRawPointer(target) + offset
        if request.unixSocket != nil {
            guard target.pointee.family == AF_UNIX else { return bad }
        } else if proxy == nil {
            guard let address = IPAddress(raw.assumingMemoryBound(to: sockaddr.self)) else { return bad }
            let plainAbroad = url.scheme == "http" && address.kind != .loopback
            guard request.addresses.admits(address), !plainAbroad else {
                refused = address
                return bad
            }
            // With TLS something is said before the connection itself can be looked at: so its listener is, first of all.
            if request.addresses.requiresOwner(at: address), let end = SocketOwner.End(Self.bytes(at: raw)),
                let complaint = LoopbackGuard.complaint(ofListenerAt: end)
            {
                foreign = complaint
                return bad
            }
        }
        admitted = true
        return socket(
            target.pointee.family,
            target.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
            target.pointee.protocol
        )
    }

    private static func bytes(at address: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        let isSix = Int32(address.loadUnaligned(as: sa_family_t.self)) == AF_INET6
        let count = isSix ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return UnsafeRawBufferPointer(start: address, count: count)
    }

    /// Whether the request may go out on a connection that has come about, by whose program is at its other end.
    func checkOwner(
        _ server: UnsafeMutablePointer<CChar>?,
        _ serverPort: Int32,
        _ client: UnsafeMutablePointer<CChar>?,
        _ clientPort: Int32
    ) -> Bool {
        guard proxy == nil, request.unixSocket == nil, request.addresses != .any else { return true }
        guard let server, let client, let there = IPAddress(literal: String(cString: server)),
            let here = IPAddress(literal: String(cString: client))
        else { return false }
        guard request.addresses.requiresOwner(at: there) else { return true }
        foreign = LoopbackGuard.complaint(
            ofServer: SocketOwner.End(address: there.bytes, port: UInt16(truncatingIfNeeded: serverPort)),
            of: SocketOwner.End(address: here.bytes, port: UInt16(truncatingIfNeeded: clientPort))
        )
        return foreign == nil
    }
}
