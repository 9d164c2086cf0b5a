internal import Addresses
package import Rights
package import StrictJSON

/// The organisation's identity provider (OpenID Connect), as the administrator of the coordinator has named it.
package struct ProviderSettings: Sendable {
    /// The issuer, compared byte by byte with what the provider says of itself and writes into its tokens.
    package let issuer: String
    package let clientID: String
    /// nil for a public client.
    package let clientSecret: String?
    /// What people of a group may do at the coordinator; a person of several groups has the highest.
    package let roles: [JSONText: Role]
    /// The claim that lists a person's groups.
    package var groupsClaim: JSONText = "groups"
    /// What is asked for beside `openid email profile`.
    package var scopes: [String] = []
    /// Whether a person whom nobody has invited becomes a member by signing in.
    package var admitsNewcomers = true
    /// Whether an address counts that the provider does not call verified: where it hands addresses out itself.
    package var trustsAddresses = false
    /// Certificates that are trusted for it in place of the system's (PEM).
    package var authority: String?
    /// For how long a sign-in counts, in seconds; nil: for as long as the provider names the person when it is asked, and for
    /// twelve hours where it gives no token to ask with.
    package var longestAbsence: Int?
    /// How often the provider is asked about a person who uses anything, in seconds.
    package var question = 120
    /// Whether it may be on this machine, over plain HTTP too.
    package var allowsLoopback = false

    /// A provider with the usual settings.
    package init(issuer: String, clientID: String, clientSecret: String?, roles: [JSONText: Role]) {
        self.issuer = issuer
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.roles = roles
    }

    /// Whether the issuer can be asked at all: https, or plain HTTP on this machine where that is allowed.
    package var isUsable: Bool { ProviderMetadata.isUsable(issuer, self) && !issuer.contains("?") }

    /// Where its endpoints may be: an organisation has its provider in its own network as a rule, and never among the
    /// addresses at which clouds tell a machine its secrets.
    var addresses: AddressRule {
        AddressRule(allowsLoopback: allowsLoopback, ofAnybody: true, allowsPrivate: true)
    }

    /// The highest role of these groups; nil where none has one.
    func role(of groups: [JSONText]) -> Role? {
        groups.compactMap { roles[$0] }.max()
    }
}
