internal import StrictJSON

extension RecordBody {
    /// The kind and the members of its own of a record that is no call's; empty for those of calls.
    var rareMembers: [(JSONText, JSONValue)] {
        switch self {
        case .callBegin, .callEnd, .callDeny:
            []
        case .credentialGrant(let credential, let server):
            [("kind", "credential.grant"), ("cred", .word(credential)), ("srv", .name(server))]
        case .credentialRefresh(let credential, let server):
            [("kind", "credential.refresh"), ("cred", .word(credential)), ("srv", .name(server))]
        case .credentialFail(let credential, let server, let why):
            [("kind", "credential.fail"), ("srv", .name(server)), ("why", .word(why))]
                + (credential.map { [("cred", .word($0))] } ?? [])
        case .credentialRevoke(let credential, let server, let why):
            [
                ("kind", "credential.revoke"), ("cred", .word(credential)), ("srv", .name(server)),
                ("why", .word(why)),
            ]
        case .agentStart(let version, let custody, let torn):
            [
                ("kind", "agent.start"), ("custody", .word(custody)), ("torn", .count(torn)),
                ("version", .word(version)),
            ]
        case .agentStop(let why):
            [("kind", "agent.stop"), ("why", .word(why))]
        case .agentHeartbeat(let calls, let notifications, let pings):
            [
                ("kind", "agent.heartbeat"), ("calls", .count(calls)), ("notifications", .count(notifications)),
                ("pings", .count(pings)),
            ]
        case .agentRollback(let known, let countersigned):
            [
                ("kind", "agent.rollback"), ("known", .count(Int(clamping: known))),
                ("countersigned", .count(Int(clamping: countersigned))),
            ]
        case .clockStep(let microseconds):
            [("kind", "clock.step"), ("delta_us", .int(max(min(microseconds, 1 << 53 - 1), 1 - 1 << 53)))]
        case .policyApply(let version, let digest):
            [("kind", "policy.apply"), ("digest", .string(RecordName.digest(digest))), ("policy", .count(version))]
        case .spoolPressure(let isOn, let bytes):
            [("kind", "spool.pressure"), ("bytes", .count(bytes)), ("state", isOn ? "on" : "off")]
        }
    }
}

extension JSONValue {
    /// A count, held within what canonical JSON can write.
    static func count(_ value: Int) -> JSONValue {
        .int(value.heldToCount)
    }

    /// One word, or the hash of a text that is not one.
    fileprivate static func word(_ text: JSONText) -> JSONValue {
        .string(RecordName.word(text))
    }

    fileprivate static func name(_ text: JSONText) -> JSONValue {
        .string(RecordName.plain(text))
    }
}

extension Int {
    /// The nearest of 0 to 2^53 - 1.
    var heldToCount: Int {
        Swift.min(Swift.max(self, 0), 1 << 53 - 1)
    }
}
