import Addresses
import Glibc
import Testing

/// A connection over IPv4 loopback to itself: both ends belong to this process.
private final class Pair {
    let client: CInt
    let server: CInt

    init() throws {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try #require(
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            } == 0
        )
        try #require(listen(listener, 1) == 0)
        var bound = try #require(Pair.name(of: listener, using: getsockname))
        client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        let client = client
        try #require(
            withUnsafePointer(to: &bound) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            } == 0
        )
        server = accept(listener, nil, nil)
        try #require(server >= 0)
    }

    deinit {
        close(client)
        close(server)
    }

    static func name(
        of descriptor: CInt,
        using ask: (CInt, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> CInt
    ) -> sockaddr_in? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor, $0, &length) }
        }
        return status == 0 ? address : nil
    }
}

@Suite("The owner of the other end of a TCP connection")
struct SocketOwnerTests {
    private struct NoNetlink: Error {}

    private func end(_ address: sockaddr_in) -> SocketOwner.End {
        SocketOwner.End(
            address: withUnsafeBytes(of: address.sin_addr.s_addr) { Array($0) },
            port: UInt16(bigEndian: address.sin_port)
        )
    }

    @Test("A peer of our own is told by our user id")
    func own() throws {
        let pair = try Pair()
        guard let owner = SocketOwner() else { throw NoNetlink() }
        let peer = end(try #require(Pair.name(of: pair.server, using: getpeername)))
        let local = end(try #require(Pair.name(of: pair.server, using: getsockname)))
        #expect(owner.uid(ofPeer: peer, connectedTo: local) == getuid())
        #expect(owner.uid(ofPeerOf: pair.server) == getuid())
        #expect(owner.uid(ofPeerOf: pair.client) == getuid())
    }

    @Test("A connection that does not exist has no owner")
    func nobody() throws {
        guard let owner = SocketOwner() else { throw NoNetlink() }
        let here = SocketOwner.End(address: [127, 0, 0, 1], port: 1)
        let there = SocketOwner.End(address: [127, 0, 0, 1], port: 2)
        #expect(owner.uid(ofPeer: here, connectedTo: there) == nil)
        #expect(owner.uid(ofPeerOf: -1) == nil)
    }

    @Test("Addresses of different families or of no family have no owner")
    func malformed() throws {
        guard let owner = SocketOwner() else { throw NoNetlink() }
        let four = SocketOwner.End(address: [127, 0, 0, 1], port: 1)
        let sixteen = SocketOwner.End(address: Array(repeating: 0, count: 16), port: 2)
        let three = SocketOwner.End(address: [1, 2, 3], port: 3)
        #expect(owner.uid(ofPeer: four, connectedTo: sixteen) == nil)
        #expect(owner.uid(ofPeer: three, connectedTo: three) == nil)
    }
}
