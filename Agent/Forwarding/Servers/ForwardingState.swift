package import Bridging
package import MCP
package import Policy
package import Spool
package import StrictJSON
package import TransparencyLog
internal import Upstreams

/// A server as the data path sees it: an entry of the registry, read and checked.
package struct ForwardedServer: Sendable {
    /// The name in the URL, in rules and in records.
    package let alias: JSONText
    package let transport: ServerTransport
    /// What its entry says of its era.
    package let era: EraPin
    /// Who shares a session of it, or a child.
    package let isolation: Isolation
    /// Silence after which a call has failed.
    package let timeout: Duration
    /// Limits of the entry, beside those of the policy.
    package let limits: [LimitRule]
    /// What the `CredentialSource` is to be asked for; nil where the server wants no credential.
    package let credential: CredentialTarget?
    /// How its tools are pinned.
    package var pins = ToolPinning()
    /// How often it is asked whether it is there; zero: never.
    package var healthInterval = Duration.zero

    package init(
        alias: JSONText,
        transport: ServerTransport,
        era: EraPin = .auto,
        isolation: Isolation = .perClient,
        timeout: Duration = .seconds(300),
        limits: [LimitRule] = [],
        credential: CredentialTarget?
    ) {
        self.alias = alias
        self.transport = transport
        self.era = era
        self.isolation = isolation
        self.timeout = timeout
        self.limits = limits
        self.credential = credential
    }

    /// What its bridge has to know.
    var bridging: ServerBridge.Settings {
        ServerBridge.Settings(alias: alias, transport: transport, pin: era, isolation: isolation)
    }
}

/// Who a client is, by the hash of its credential.
package struct ClientCredential: Sendable, Hashable {
    package let name: JSONText
    /// SHA-256 of the whole credential, `dwc1_...`.
    package let hash: Hash

    package init(name: JSONText, hash: Hash) {
        self.name = name
        self.hash = hash
    }
}

/// Everything that decides what happens to a call; replaced as a whole.
package struct ForwardingState: Sendable {
    /// Why no call can be made at all.
    package enum Closure: String, Sendable {
        case notEnrolled = "not_enrolled"
        /// The keyring was not unlocked since the agent started.
        case locked
        /// The keyring is open and does not hold this machine's key.
        case keyMissing = "key_missing"
        /// The coordinator has revoked this machine's key.
        case revoked
        /// An administrator has locked this machine; `closureWords` say why.
        case lockedByAdministrator = "locked_by_administrator"
        /// The identity provider does not name the person any more, who has to sign in again.
        case signInEnded = "sign_in_ended"
        /// The records, or what says whose they are, cannot be opened; `closureWords` say why.
        case unusable = "not_recorded"
    }

    package var closure: Closure?
    /// Why, where that is not always the same: one sentence, safe to show.
    package var closureWords: String?
    package var policy: PolicySnapshot
    package var servers: [ForwardedServer]
    package var clients: [ClientCredential]
    /// What rules may demand of this machine; nil where it belongs to nobody.
    package var machine: MachineFacts?
    /// Where calls are recorded; without one no call goes out.
    package var spool: Spool?
    /// Rises with each state that is made: an earlier one that comes late is not taken any more.
    package var number = 0

    package init(
        closure: Closure? = nil,
        policy: PolicySnapshot = .none,
        servers: [ForwardedServer] = [],
        clients: [ClientCredential] = [],
        machine: MachineFacts? = nil,
        spool: Spool? = nil
    ) {
        self.closure = closure
        self.policy = policy
        self.servers = servers
        self.clients = clients
        self.machine = machine
        self.spool = spool
    }
}
