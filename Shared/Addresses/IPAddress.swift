package import Glibc

/// An IPv4 or IPv6 address, as a socket address contains it.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    private enum Form: Hashable {
        case four(UInt32)
        case six(UInt64, UInt64)
    }

    private let form: Form

    private init(_ form: Form) {
        self.form = form
    }

    /// Reads a literal in its usual form: four decimal numbers, or IPv6 without brackets and without a zone.
    package init?(literal: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, literal, &four) == 1 {
            self.init(.four(UInt32(bigEndian: four.s_addr)))
        } else if inet_pton(AF_INET6, literal, &six) == 1 {
            self.init(six)
        } else {
            return nil
        }
    }

    /// Reads what `getaddrinfo`, `accept` or a connect callback hands out; nil for another family.
    package init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            self.init(.four(UInt32(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr)))
        case AF_INET6:
            self.init(raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr)
        default:
            return nil
        }
    }

    private init(_ six: in6_addr) {
        let halves = withUnsafeBytes(of: six) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(.six(halves.0, halves.1))
    }

    /// Four or sixteen bytes in the order of the wire.
    package var bytes: [UInt8] {
        switch form {
        case .four(let bits): withUnsafeBytes(of: bits.bigEndian) { Array($0) }
        case .six(let high, let low): withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
        }
    }

    /// What the address is good for, by the special-purpose registries of IANA.
    package var kind: IPAddressKind {
        switch form {
        case .four(let bits): Self.kind(four: bits)
        case .six(let high, let low): Self.kind(six: high, low)
        }
    }

    private static func kind(four bits: UInt32) -> IPAddressKind {
        for (prefix, length, kind) in fourRanges where bits >> (32 - length) == prefix >> (32 - length) {
            return kind
        }
        return .global
    }

    private static func kind(six high: UInt64, _ low: UInt64) -> IPAddressKind {
        if high == 0, low == 0 { return .unspecified }
        if high == 0, low == 1 { return .loopback }
        // An IPv4 address in IPv6 clothes reaches whatever the IPv4 address reaches, and no honest name resolves to
        // one: mapped and "compatible" ones are refused whatever they contain.
        if high == 0, low >> 32 == 0 || low >> 32 == 0xffff { return .mapped }
        // NAT64 (RFC 6052) is how a network without IPv4 reaches public IPv4 servers: the inside decides.
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 {
            return kind(four: UInt32(truncatingIfNeeded: low)) == .global ? .global : .mapped
        }
        if high >> 56 == 0xff { return .multicast }
        if high >> 54 == 0xfe80 >> 6 { return .linkLocal }
        if high >> 57 == 0xfc >> 1 { return .local }
        // Site-local, deprecated and still routed in some networks (RFC 3879).
        if high >> 54 == 0xfec0 >> 6 { return .local }
        guard high >> 61 == 0b001 else { return .reserved }
        // 6to4 (2002::/16) and Teredo (2001::/32) carry IPv4 addresses as well.
        if high >> 48 == 0x2002 || high >> 32 == 0x2001_0000 { return .mapped }
        // The rest of 2001::/23 is protocol assignments; 2001:db8::/32 and 3fff::/20 are documentation.
        if high >> 41 == 0x2001_0000 >> 9 || high >> 32 == 0x2001_0db8 || high >> 44 == 0x3fff0 { return .reserved }
        return .global
    }

    private static let fourRanges: [(UInt32, UInt32, IPAddressKind)] = [
        (0x7f00_0000, 8, .loopback),
        (0x0000_0000, 8, .unspecified),
        (0x0a00_0000, 8, .local),
        (0x6440_0000, 10, .shared),
        (0xa9fe_0000, 16, .linkLocal),
        (0xac10_0000, 12, .local),
        (0xc000_0000, 24, .reserved),
        (0xc000_0200, 24, .reserved),
        (0xc058_6300, 24, .reserved),
        (0xc0a8_0000, 16, .local),
        (0xc612_0000, 15, .reserved),
        (0xc633_6400, 24, .reserved),
        (0xcb00_7100, 24, .reserved),
        (0xe000_0000, 4, .multicast),
        (0xf000_0000, 4, .reserved),
    ]

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch form {
        case .four(let bits):
            var address = in_addr(s_addr: bits.bigEndian)
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        case .six(let high, let low):
            var halves = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &halves, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The kinds of address that a rule tells apart.
package enum IPAddressKind: String, Sendable {
    /// On the public internet.
    case global
    /// 127.0.0.0/8 and ::1.
    case loopback
    /// RFC 1918, unique local and site-local.
    case local
    /// 169.254.0.0/16 (cloud metadata lives there) and fe80::/10.
    case linkLocal
    /// 100.64.0.0/10, behind a carrier's NAT.
    case shared
    case multicast
    /// IPv4 inside IPv6: mapped, compatible, 6to4, Teredo, NAT64 of what is not global.
    case mapped
    /// 0.0.0.0/8 and ::, which Linux connects to this machine.
    case unspecified
    /// Documentation, benchmarks, protocol assignments, future use.
    case reserved

    /// For messages, as in "NAME is at 10.0.0.1, a private address".
    package var inWords: String {
        switch self {
        case .global: "a public address"
        case .loopback: "an address of this machine"
        case .local: "a private address"
        case .linkLocal: "a link-local address"
        case .shared: "an address behind a carrier's NAT"
        case .multicast: "a multicast address"
        case .mapped: "an IPv4 address inside IPv6"
        case .unspecified: "no address of any host"
        case .reserved: "a reserved address"
        }
    }
}
