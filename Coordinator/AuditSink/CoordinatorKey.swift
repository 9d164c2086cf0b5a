package import AuditLog
package import TransparencyLog

/// The coordinator's one key, with the names under which it signs.
///
/// It signs the organisation's log, countersigns the agents' logs and signs bundles, bindings and reports; the origin in
/// each note's first line tells them apart.
package struct CoordinatorKey: Sendable {
    package let signing: SigningKey
    package let names: LogNames

    /// The key of the coordinator whose logs go under `names`.
    package init(signing: SigningKey, names: LogNames) {
        self.signing = signing
        self.names = names
    }

    /// The public half, which agents pin at enrolment.
    package var publicKey: VerifyingKey { signing.publicKey }
}
