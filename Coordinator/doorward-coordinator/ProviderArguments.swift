import ArgumentParser
import CoordinatorCore

/// What `serve` is told of the organisation's identity provider.
struct ProviderArguments: ParsableArguments {
    @Option(name: .long, help: "The issuer that people sign in at, exactly as it names itself.")
    var oidcIssuer: String?

    @Option(name: .long, help: "The coordinator's client id there; its redirect URI is URL/oidc/callback.")
    var oidcClientId: String?

    @Option(name: .long, help: "A file with the client's secret on its first line.")
    var oidcClientSecretFile: String?

    @Option(
        name: .long,
        help: "GROUP=ROLE: what people of a group may do here; may be given several times, and the highest counts."
    )
    var oidcRole: [String] = []

    @Option(name: .long, help: "The claim that lists a person's groups; groups without it.")
    var oidcGroupsClaim: String?

    @Option(name: .long, help: "A scope to ask for beside openid, email and profile; may be given several times.")
    var oidcScope: [String] = []

    @Flag(name: .long, help: "Let in only people who were invited, or who have a group with a role.")
    var oidcInvitedOnly = false

    @Flag(name: .long, help: "Take the provider's addresses for verified, where it hands them out itself.")
    var oidcTrustEmail = false

    @Option(name: .long, help: "Certificates to trust for the provider, in place of the system's (PEM).")
    var oidcCa: String?

    @Option(
        name: .long,
        help: "Hours after which people sign in again; 12 where the provider gives no refresh token, else never."
    )
    var oidcSignInEvery: Int?

    @Option(name: .long, help: "Seconds after which the provider is asked about a person again; 120 without it.")
    var oidcRecheck: Int?

    @Flag(name: .long, help: "The provider may be on this machine, over plain HTTP too: for trying it out.")
    var oidcAllowLoopback = false

    /// The same for the coordinator.
    var options: ProviderOptions {
        var options = ProviderOptions()
        options.issuer = oidcIssuer
        options.clientID = oidcClientId
        options.clientSecretFile = oidcClientSecretFile
        options.roles = oidcRole
        options.groupsClaim = oidcGroupsClaim
        options.scopes = oidcScope
        options.invitedOnly = oidcInvitedOnly
        options.trustsAddresses = oidcTrustEmail
        options.authorityFile = oidcCa
        options.longestAbsence = oidcSignInEvery
        options.question = oidcRecheck
        options.allowsLoopback = oidcAllowLoopback
        return options
    }
}
