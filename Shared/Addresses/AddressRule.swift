/// Which addresses a request may reach.
package struct AddressRule: Sendable, Hashable {
    /// How far this machine is open.
    private enum Loopback: Hashable {
        case closed, own, anybodys
    }

    private let loopback: Loopback
    private let allowsPrivate: Bool
    private let allowsAny: Bool

    private init(_ loopback: Loopback, allowsPrivate: Bool = false, allowsAny: Bool = false) {
        self.loopback = loopback
        self.allowsPrivate = allowsPrivate
        self.allowsAny = allowsAny
    }

    /// The public internet alone: for URLs that strangers choose.
    package static let publicOnly = AddressRule(.closed)
    /// The public internet and what this user or root runs on this machine: for what an entry with `allow_loopback` names.
    package static let loopbackToo = AddressRule(.own)
    /// The public internet and this machine, whichever user's server it is: for an entry with `allow_foreign_owner`.
    package static let anyLoopbackToo = AddressRule(.anybodys)
    /// Anything: for the coordinator, which the user chose.
    package static let any = AddressRule(.anybodys, allowsPrivate: true, allowsAny: true)

    /// The rule of a registry's entry.
    ///
    /// - Parameters:
    ///   - allowsLoopback: whether this machine is open to it.
    ///   - ofAnybody: whether a program of another user may be what listens there.
    ///   - allowsPrivate: whether private networks are, and addresses behind a carrier's NAT.
    package init(allowsLoopback: Bool, ofAnybody: Bool, allowsPrivate: Bool = false) {
        self.init(!allowsLoopback ? .closed : ofAnybody ? .anybodys : .own, allowsPrivate: allowsPrivate)
    }

    /// Whether a connection to this address may be made.
    package func admits(_ address: IPAddress) -> Bool {
        switch address.kind {
        case .global: true
        case .loopback: loopback != .closed
        case .local, .shared: allowsPrivate
        // The metadata of clouds is link-local; no server of an organisation has an address of these kinds.
        case .linkLocal, .multicast, .mapped, .unspecified, .reserved: allowsAny
        }
    }

    /// Whether the program at this address has to be this user's or root's before anything is said to it.
    package func requiresOwner(at address: IPAddress) -> Bool { loopback == .own && address.kind == .loopback }
}
