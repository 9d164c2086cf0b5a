internal import Contract
internal import Glibc
internal import SwiftASN1
internal import X509

/// A host as certificates name it: a DNS name, or the bytes of an address.
struct TLSHost: Hashable {
    let text: String
    /// 4 or 16 bytes; nil for a name.
    let address: [UInt8]?

    /// - Parameter text: a name or an address, without brackets.
    init(_ text: String) {
        self.text = text
        address = Self.bytes(text, AF_INET, 4) ?? Self.bytes(text, AF_INET6, 16)
    }

    /// The hosts of a coordinator that people reach at `url`: its own, and this machine's.
    static func all(of url: ServerURL) -> [TLSHost] {
        var hosts: [TLSHost] = []
        for text in [url.host, "localhost", "127.0.0.1", "::1"] {
            let host = TLSHost(text)
            if !hosts.contains(host) { hosts.append(host) }
        }
        return hosts
    }

    /// Whether this is an address of this machine only; a name says nothing about where it leads.
    var isLoopback: Bool {
        guard let address else { return text == "localhost" }
        return address.count == 4 ? address[0] == 127 : address == Array(repeating: 0, count: 15) + [1]
    }

    var generalName: GeneralName {
        guard let address else { return .dnsName(text) }
        return .ipAddress(ASN1OctetString(contentBytes: address[...]))
    }

    /// RFC 5280 section 4.2.1.10: these hosts and nothing else; an address is given with a mask.
    static func constraints(_ hosts: [TLSHost]) -> NameConstraints {
        let names: [GeneralName] = hosts.map { host in
            guard let address = host.address else { return .dnsName(host.text) }
            let mask = [UInt8](repeating: 0xFF, count: address.count)
            return .ipAddress(ASN1OctetString(contentBytes: ArraySlice(address + mask)))
        }
        return NameConstraints(permittedSubtrees: names)
    }

    private static func bytes(_ text: String, _ family: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
