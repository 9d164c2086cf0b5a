package import Glibc
internal import Synchronization

/// Asks the kernel which user owns the other end of a TCP connection within this machine.
///
/// The question goes to `sock_diag(7)` with the exact addresses of both ends, so the answer does not depend on how many
/// sockets the machine has. It must be asked soon after the connection was accepted: once the peer has closed, the kernel
/// has forgotten the owner, and the answer is nil, which callers treat as a stranger.
package struct SocketOwner: ~Copyable {
    /// One end of a TCP connection over IPv4 or IPv6, as `getsockname(2)` and `getpeername(2)` tell it.
    package struct End: Equatable, Sendable {
        /// Four bytes for IPv4, sixteen for IPv6, in network order.
        package let address: [UInt8]
        package let port: UInt16

        package init(address: [UInt8], port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    private let netlink: CInt

    /// Opens the netlink socket that all questions share.
    ///
    /// - Returns: Nil where the kernel offers no `sock_diag`, which a listener must take as a reason not to start.
    package init?() {
        // Without NETLINK_SOCK_DIAG there is no way to tell users apart on a port that they all can reach.
        netlink = socket(Self.familyNetlink, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Self.protocolSockDiag)
        guard netlink >= 0 else { return nil }
        var deadline = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &deadline, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(netlink) }

    /// The user id that owns the socket whose own address is `peer` and whose peer is `local`.
    ///
    /// - Returns: Nil if there is no such socket (any more) or the kernel does not answer.
    package func uid(ofPeer peer: End, connectedTo local: End) -> UInt32? {
        facts(of: peer, connectedTo: local)?.uid
    }

    /// What the kernel knows of a socket.
    private struct Facts {
        let uid: UInt32
        /// 0 as long as no program has accepted it, and once the one that had it has closed it.
        let inode: UInt32
    }

    private func facts(of peer: End, connectedTo local: End) -> Facts? {
        guard peer.address.count == local.address.count, peer.address.count == 4 || peer.address.count == 16 else {
            return nil
        }
        let sequence = Self.sequence.wrappingAdd(1, ordering: .relaxed).newValue
        let question = Self.question(source: peer, destination: local, sequence: sequence)
        guard send(netlink, question, question.count, 0) == question.count else { return nil }
        var answer = [UInt8](repeating: 0, count: 1024)
        // An old answer that came after its deadline must not speak for a new peer.
        for _ in 0..<Self.mostOldAnswers {
            let length = recv(netlink, &answer, answer.count, 0)
            guard length >= Self.messageHeader else { return nil }
            let number = answer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self) }
            if number == sequence { return Self.facts(in: answer[..<length], of: peer) }
        }
        return nil
    }

    private static func facts(in answer: ArraySlice<UInt8>, of peer: End) -> Facts? {
        guard answer.count >= ownerOffset + 8 else { return nil }
        return answer.withUnsafeBytes { bytes in
            let kind = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: messageHeader + 4, as: UInt16.self))
            guard kind == socketDiagByFamily, port == peer.port else { return nil }
            return Facts(
                uid: bytes.loadUnaligned(fromByteOffset: ownerOffset, as: UInt32.self),
                inode: bytes.loadUnaligned(fromByteOffset: ownerOffset + 4, as: UInt32.self)
            )
        }
    }

    /// The user id that owns the other end of a connected TCP socket; nil as above.
    package func uid(ofPeerOf descriptor: CInt) -> UInt32? {
        guard let peer = End(descriptor, getpeername), let local = End(descriptor, getsockname) else { return nil }
        return uid(ofPeer: peer, connectedTo: local)
    }

    /// The user id that owns the socket which takes new connections at this address and port; nil as above.
    package func uid(ofListenerAt place: End) -> UInt32? {
        // No connection has port 0 at its other end, so what the kernel finds is the listener.
        let nobody = End(address: Array(repeating: 0, count: place.address.count), port: 0)
        return uid(ofPeer: place, connectedTo: nobody)
    }

    /// Whose program a connection within this machine has reached.
    ///
    /// - Parameters:
    ///   - server: the end that was connected to.
    ///   - client: this process's own end.
    ///   - user: whose servers are expected; root's are as good.
    /// - Returns: who has the port.
    package func owner(ofServer server: End, of client: End, expecting user: UInt32) -> ServerOwner {
        guard let first = facts(of: server, connectedTo: client) else { return .unknown }
        if first.inode != 0 { return ServerOwner(first.uid, expecting: user) }
        // No program has accepted it yet, and then some kernels say that it is root's. Its owner is the program that
        // listens. The kernel is asked once more after that, since the listener may have gone in between, and another
        // may have taken the connection.
        guard let listener = uid(ofListenerAt: server), let second = facts(of: server, connectedTo: client) else {
            return .unknown
        }
        let owner = ServerOwner(listener, expecting: user)
        guard owner == .expected, second.inode != 0 else { return owner }
        return ServerOwner(second.uid, expecting: user)
    }

    private static let mostOldAnswers = 8
    private static let sequence = Atomic<UInt32>(0)

    // linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h: not in the C library's module.
    private static let familyNetlink: CInt = 16
    private static let protocolSockDiag: CInt = 4
    private static let socketDiagByFamily: UInt16 = 20
    private static let requestFlag: UInt16 = 1
    private static let messageHeader = 16
    /// Offset of `inet_diag_msg.idiag_uid`: header, family to retransmissions (4), socket id (48), expires, rqueue, wqueue.
    private static let ownerOffset = messageHeader + 4 + 48 + 12

    /// A `nlmsghdr` followed by an `inet_diag_req_v2`.
    private static func question(source: End, destination: End, sequence: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(72)
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
        append(UInt32(72))
        append(socketDiagByFamily)
        append(requestFlag)
        append(sequence)
        append(UInt32(0))
        append(UInt8(source.address.count == 4 ? AF_INET : AF_INET6))
        append(UInt8(IPPROTO_TCP))
        append(UInt16(0))
        append(UInt32(0xFFF))
        append(source.port.bigEndian)
        append(destination.port.bigEndian)
        for end in [source, destination] {
            bytes.append(contentsOf: end.address)
            bytes.append(contentsOf: repeatElement(0, count: 16 - end.address.count))
        }
        append(UInt32(0))
        // No cookie: any socket with these addresses.
        append(UInt64.max)
        return bytes
    }
}

extension SocketOwner.End {
    /// The address in a `sockaddr_in` or `sockaddr_in6`; nil for any other.
    package init?(_ address: UnsafeRawBufferPointer) {
        guard address.count >= MemoryLayout<sockaddr_in>.size else { return nil }
        // ip(7) and ipv6(7): family, port in network order, and the place of the address.
        let place: Range<Int>
        switch CInt(address.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET: place = 4..<8
        case AF_INET6: place = 8..<24
        default: return nil
        }
        guard place.upperBound <= address.count else { return nil }
        self.init(
            address: Array(address[place]),
            port: UInt16(bigEndian: address.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        )
    }

    /// What one of getsockname(2) and getpeername(2) tells of a socket.
    package init?(
        _ descriptor: CInt,
        _ ask: (CInt, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> CInt
    ) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutableBytes(of: &storage) { bytes in
            ask(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
        }
        guard isKnown else { return nil }
        let end = withUnsafeBytes(of: &storage) { bytes in
            Self(UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(length))))
        }
        guard let end else { return nil }
        self = end
    }
}
