internal import StrictJSON

extension RecordBody {
    /// The kind and the members of its own of a record that is no call's; empty for those of calls.
    var rareMembers: [(JSONText, JSONValue)] {
        switch self {
        case .callBegin, .callEnd, .callDeny:
            []
        case .credentialGrant(let credential, let server):
            [("kind", "credential.grant"), ("cred", .string(credential)), ("srv", .string(server))]
        case .credentialRefresh(let credential, let server):
            [("kind", "credential.refresh"), ("cred", .string(credential)), ("srv", .string(server))]
        case .credentialFail(let credential, let server, let why):
            [("kind", "credential.fail"), ("srv", .string(server)), ("why", .string(why))]
                + (credential.map { [("cred", .string($0))] } ?? [])
        case .credentialRevoke(let credential, let server, let why):
            [
                ("kind", "credential.revoke"), ("cred", .string(credential)), ("srv", .string(server)),
                ("why", .string(why)),
            ]
        case .agentStart(let version, let custody, let torn):
            [
                ("kind", "agent.start"), ("custody", .string(custody)), ("torn", .count(torn)),
                ("version", .string(version)),
            ]
        case .agentStop(let why):
            [("kind", "agent.stop"), ("why", .string(why))]
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
            [("kind", "policy.apply"), ("digest", .string(digest)), ("policy", .count(version))]
        case .spoolPressure(let isOn, let bytes):
            [("kind", "spool.pressure"), ("bytes", .count(bytes)), ("state", isOn ? "on" : "off")]
        }
    }
}

extension JSONValue {
    /// A count, held within what canonical JSON can write.
    fileprivate static func count(_ value: Int) -> JSONValue {
        .int(min(max(value, 0), 1 << 53 - 1))
    }
}
