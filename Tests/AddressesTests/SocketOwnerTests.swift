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

    /// A listener of another user that never accepts.
    private func strangersListener() throws -> (listener: CInt, address: sockaddr_in) {
        setFileSystemUser(65534)
        defer { setFileSystemUser(geteuid()) }
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        try #require(listen(listener, 4) == 0)
        var address = try #require(Pair.name(of: listener, using: getsockname))
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return (listener, address)
    }

    @Test("A server of our own is the one that was expected")
    func ownServer() throws {
        let pair = try Pair()
        guard let owner = SocketOwner() else { throw NoNetlink() }
        let server = end(try #require(Pair.name(of: pair.client, using: getpeername)))
        let client = end(try #require(Pair.name(of: pair.client, using: getsockname)))
        #expect(owner.owner(ofServer: server, of: client, expecting: geteuid()) == .expected)
    }

    @Test(
        "A server of another user is told before and after it has accepted",
        .enabled(if: geteuid() == 0, "needs root, to listen as another user")
    )
    func strangersServer() throws {
        guard let owner = SocketOwner() else { throw NoNetlink() }
        let (listener, address) = try strangersListener()
        defer { close(listener) }
        #expect(owner.uid(ofListenerAt: end(address)) == 65534)
        let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        try #require(
            withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            } == 0
        )
        let here = end(try #require(Pair.name(of: client, using: getsockname)))
        #expect(owner.owner(ofServer: end(address), of: here, expecting: 0) == .somebody(65534))
        #expect(owner.owner(ofServer: end(address), of: here, expecting: 65534) == .expected)
        setFileSystemUser(65534)
        let accepted = accept(listener, nil, nil)
        setFileSystemUser(geteuid())
        defer { close(accepted) }
        #expect(owner.owner(ofServer: end(address), of: here, expecting: 0) == .somebody(65534))
    }

    @Test("Root's servers are as good as this user's, and a complaint says whose another is")
    func complaints() {
        #expect(ServerOwner(0, expecting: 1000) == .expected)
        #expect(ServerOwner(1000, expecting: 1000) == .expected)
        #expect(ServerOwner(1001, expecting: 1000) == .somebody(1001))
        #expect(ServerOwner.expected.complaint(port: 1) == nil)
        #expect(ServerOwner.somebody(1001).complaint(port: 7001)?.hasPrefix("Port 7001 of this machine") == true)
        #expect(ServerOwner.unknown.complaint(port: 7001) != nil)
    }

    @Test("A port without a listener has no owner")
    func noListener() throws {
        guard let owner = SocketOwner() else { throw NoNetlink() }
        #expect(owner.uid(ofListenerAt: SocketOwner.End(address: [127, 0, 0, 1], port: 1)) == nil)
    }
}

/// `setfsuid(2)`, which the C library's module leaves out: of one thread alone.
@_silgen_name("setfsuid")
@discardableResult
private func setFileSystemUser(_ user: uid_t) -> CInt
