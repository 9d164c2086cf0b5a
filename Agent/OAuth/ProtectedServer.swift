internal import Addresses
package import Contract
internal import Fetch

/// A server that wants its users signed in, as the registry has it.
package struct ProtectedServer: Sendable, Equatable {
    package let alias: String
    /// The URL of its MCP endpoint: the resource that tokens are for.
    package let url: String
    /// The scopes to ask for; empty: those that the server names.
    package let scopes: [String]
    /// The client that was registered beforehand, if one was.
    package let clientID: String?
    /// The port that is registered for it; nil: any.
    package let redirectPort: Int?
    package let allowsLoopback: Bool
    /// Whether what listens there may be another user's.
    package let allowsForeignOwner: Bool

    /// Whether it may be on private networks.
    package var allowsPrivate = false
    /// The authorities that vouch for the server itself, in PEM; nil for those of the system.
    package var authorities: String?

    /// The server of an entry; nil for one without a sign-in.
    package init?(_ entry: ServerEntry) {
        guard entry.authorization.kind == .oauth, let url = entry.url else { return nil }
        self.init(
            alias: entry.alias,
            url: url,
            scopes: entry.authorization.scopes,
            clientID: entry.authorization.clientID,
            redirectPort: entry.authorization.redirectPort,
            allowsLoopback: entry.allowsLoopback,
            allowsForeignOwner: entry.allowsForeignOwner
        )
        allowsPrivate = entry.reach.allowsPrivate
        authorities = entry.reach.authorities
    }

    package init(
        alias: String,
        url: String,
        scopes: [String] = [],
        clientID: String? = nil,
        redirectPort: Int? = nil,
        allowsLoopback: Bool,
        allowsForeignOwner: Bool = false
    ) {
        self.alias = alias
        self.url = url
        self.scopes = scopes
        self.clientID = clientID
        self.redirectPort = redirectPort
        self.allowsLoopback = allowsLoopback
        self.allowsForeignOwner = allowsForeignOwner
    }

    /// Who vouches for what is met on the way to a token; nil for the authorities of the system.
    var ownAuthorities: OwnAuthorities? { authorities.map { OwnAuthorities(pem: $0, server: WebURL(url)?.origin) } }

    /// Where everything that is met on the way to a token may be.
    var addresses: AddressRule {
        AddressRule(allowsLoopback: allowsLoopback, ofAnybody: allowsForeignOwner, allowsPrivate: allowsPrivate)
    }
}
