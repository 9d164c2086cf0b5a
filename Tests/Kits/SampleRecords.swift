package import AuditLog
package import Bytes
package import StrictJSON
internal import TransparencyLog

/// Records of each kind.
package enum SampleRecords {
    /// The agent whose records they are.
    package static let agent: JSONText = "a-0123456789abcdef"
    /// When they were made.
    package static let time = RecordTime(wall: 1_795_346_150_123_456, mono: 987_654_321)
    /// The digest of their policy.
    package static let digest = JSONText(Hash.empty.base64URL)

    /// A writer of such records.
    package static func writer() -> RecordWriter {
        RecordWriter(
            agent: agent,
            instance: RandomID(high: 1, low: 2),
            key: SigningKey().publicKey.fingerprint,
            boot: RecordWriter.bootMark(bootID: Array("boot".utf8), agent: agent),
            subject: "u-77"
        )
    }

    /// What is recorded of a call.
    package static func facts(_ item: CallItem = .tool("get_issue"), named name: JSONText? = nil) -> CallAttributes {
        CallAttributes(
            call: RandomID(high: .max, low: 0xABC),
            trace: RandomID(high: 3, low: 4),
            client: name ?? "claude-code",
            how: .token,
            server: name ?? "github",
            method: name ?? "tools/call",
            item: item
        )
    }

    /// A decision that allows.
    package static let allowed = EncodedDecision(
        isAllowed: true,
        reason: "granted",
        rules: ["roles/dev/grant/0", "bind/1"],
        policy: 3,
        digest: digest
    )
    /// A decision of a policy that only observes.
    package static let observed = EncodedDecision(
        isAllowed: true,
        reason: "observed",
        rules: [],
        policy: 3,
        digest: digest,
        observed: "no_grant"
    )
    /// A decision of rules that look at arguments.
    package static let conditional = EncodedDecision(
        isAllowed: true,
        reason: "granted",
        rules: ["roles/dev/grant/0"],
        policy: 3,
        digest: digest,
        conditions: ["q83vEiM0Rg-_:1", "AAAAAAAAAAAA:u"]
    )
    /// A decision that a limit made.
    package static let limited = EncodedDecision(
        isAllowed: false,
        reason: "limited",
        rules: ["limits/0"],
        policy: 3,
        digest: digest,
        limiter: "limits/0"
    )

    /// A name that is no plain one.
    package static let oddName: JSONText = "quote \" and \u{1} and caf\u{E9}"

    /// One record of each kind, with every optional member there and absent, as the first release of the format had them:
    /// the reports that are kept as they were then hold these.
    package static let bodies: [RecordBody] = [
        .callBegin(facts(), allowed, credential: "c-1"),
        .callBegin(facts(.prompt(oddName)), allowed, credential: nil),
        .callEnd(
            facts(.resource(uri: Array("repo://x".utf8))),
            Outcome(.ok, milliseconds: 12, bytesIn: 300, bytesOut: 4)
        ),
        .callEnd(facts(.none), Outcome(.unknown)),
        .callDeny(facts(), limited),
        .credentialGrant(credential: "c-1", server: "github"),
        .credentialRefresh(credential: "c-1", server: "github"),
        .credentialFail(credential: nil, server: "github", why: "invalid_grant"),
        .credentialFail(credential: "c-1", server: "github", why: "invalid_grant"),
        .credentialRevoke(credential: "c-1", server: "github", why: "disconnect"),
        .agentStart(version: "1.0.0", custody: "secret-service", torn: 1),
        .agentStop(why: "signal"),
        .agentHeartbeat(calls: 1, notifications: 2, pings: 3),
        .agentRollback(known: 4, countersigned: 9),
        .clockStep(microseconds: -86_400_000_000),
        .policyApply(version: 3, digest: digest),
        .spoolPressure(isOn: true, bytes: 1 << 30),
        .spoolPressure(isOn: false, bytes: 0),
    ]

    /// The same with what came into the format later.
    package static let all: [RecordBody] =
        bodies + [
            .callBegin(facts(), observed, credential: nil), .callBegin(facts(), conditional, credential: nil),
        ]
}
