import Testing

@testable import Addresses

@Suite("Addresses, and who may be connected to")
struct AddressTests {
    @Test(
        "Addresses that are not of the public internet are known for what they are",
        arguments: [
            ("127.0.0.1", IPAddressKind.loopback), ("127.255.255.254", .loopback), ("10.0.0.1", .local),
            ("172.16.0.1", .local), ("172.31.255.255", .local), ("192.168.1.1", .local),
            ("169.254.169.254", .linkLocal),
            ("100.64.0.1", .shared), ("100.127.255.255", .shared), ("0.0.0.0", .unspecified), ("0.1.2.3", .unspecified),
            ("224.0.0.1", .multicast), ("239.255.255.255", .multicast), ("255.255.255.255", .reserved),
            ("192.0.2.1", .reserved), ("198.18.0.1", .reserved), ("198.51.100.7", .reserved),
            ("203.0.113.7", .reserved),
            ("240.0.0.1", .reserved), ("::1", .loopback), ("::", .unspecified), ("fe80::1", .linkLocal),
            ("fc00::1", .local), ("fd12:3456::1", .local), ("fec0::1", .local), ("ff02::1", .multicast),
            ("::ffff:127.0.0.1", .mapped), ("::ffff:8.8.8.8", .mapped), ("::7f00:1", .mapped),
            ("::ffff:a9fe:a9fe", .mapped), ("64:ff9b::7f00:1", .mapped), ("64:ff9b::a00:1", .mapped),
            ("2002:7f00:1::", .mapped), ("2001::1", .mapped), ("2001:db8::1", .reserved), ("4000::1", .reserved),
        ]
    )
    func kinds(literal: String, kind: IPAddressKind) throws {
        let address = try #require(IPAddress(literal: literal))
        #expect(address.kind == kind)
        #expect(!AddressRule.publicOnly.admits(address))
        #expect(AddressRule.loopbackToo.admits(address) == (kind == .loopback))
        #expect(AddressRule.any.admits(address))
        // Neither this machine nor the metadata of a cloud is a private network.
        let ofPrivate = AddressRule(allowsLoopback: false, ofAnybody: false, allowsPrivate: true)
        #expect(ofPrivate.admits(address) == (kind == .local || kind == .shared))
    }

    @Test(
        "Public addresses are public",
        arguments: ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
    )
    func global(literal: String) throws {
        let address = try #require(IPAddress(literal: literal))
        #expect(address.kind == .global)
        #expect(AddressRule.publicOnly.admits(address))
    }

    @Test(
        "What is not a literal is not read as an address",
        arguments: ["", "1.2.3", "1.2.3.4.5", "0x7f.1", "localhost", "[::1]", "::1%lo"]
    )
    func noLiteral(text: String) {
        #expect(IPAddress(literal: text) == nil)
    }
}
