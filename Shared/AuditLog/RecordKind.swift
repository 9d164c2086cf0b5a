/// The kinds of records, as records name them.
package enum RecordKind: String, Sendable, CaseIterable {
    case callBegin = "call.begin"
    case callEnd = "call.end"
    case callDeny = "call.deny"
    case credentialGrant = "credential.grant"
    case credentialRefresh = "credential.refresh"
    case credentialFail = "credential.fail"
    case credentialRevoke = "credential.revoke"
    case agentStart = "agent.start"
    case agentStop = "agent.stop"
    case agentHeartbeat = "agent.heartbeat"
    case agentRollback = "agent.rollback"
    case clockStep = "clock.step"
    case policyApply = "policy.apply"
    case spoolPressure = "spool.pressure"

    /// The members that each record of this kind has, beyond those of every record.
    var required: RecordMembers {
        switch self {
        case .callBegin, .callDeny: [.call, .client, .dec, .method, .srv, .trace]
        case .callEnd: [.call, .client, .method, .out, .srv, .trace]
        case .credentialGrant, .credentialRefresh: [.cred, .srv]
        case .credentialFail: [.srv, .why]
        case .credentialRevoke: [.cred, .srv, .why]
        case .agentStart: [.custody, .torn, .version]
        case .agentStop: [.why]
        case .agentHeartbeat: [.calls, .notifications, .pings]
        case .agentRollback: [.countersigned, .known]
        case .clockStep: [.deltaMicroseconds]
        case .policyApply: [.digest, .policy]
        case .spoolPressure: [.bytes, .state]
        }
    }

    /// The members that a record of this kind may have besides.
    var optional: RecordMembers {
        switch self {
        case .callBegin: [.cred, .prompt, .tool, .uriHash]
        case .callEnd, .callDeny: [.prompt, .tool, .uriHash]
        case .credentialFail: [.cred]
        default: []
        }
    }

    /// Which members the records of a kind have.
    struct Admission: Sendable {
        let kind: RecordKind
        private let required: RecordMembers
        private let all: RecordMembers

        init(_ kind: RecordKind) {
            self.kind = kind
            required = .common.union(kind.required)
            all = required.union(kind.optional)
        }

        /// Whether a record may have these members and no others.
        func holds(_ members: RecordMembers) -> Bool {
            members.isSuperset(of: required) && all.isSuperset(of: members)
                && members.intersection(.items).rawValue.nonzeroBitCount <= 1
        }
    }

    /// In the order of `allCases`.
    static let admissions = allCases.map(Admission.init)
}

/// A set of members of a record.
struct RecordMembers: OptionSet, Hashable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The member at a place of `RecordForm.members`.
    init(place: Int) {
        rawValue = 1 << UInt64(place)
    }

    // In the order of the names' bytes, as in a record.
    static let agent = Self(place: 0), boot = Self(place: 1), bytes = Self(place: 2), call = Self(place: 3)
    static let calls = Self(place: 4), client = Self(place: 5), countersigned = Self(place: 6), cred = Self(place: 7)
    static let custody = Self(place: 8), dec = Self(place: 9), deltaMicroseconds = Self(place: 10)
    static let digest = Self(place: 11), inst = Self(place: 12), key = Self(place: 13), kind = Self(place: 14)
    static let known = Self(place: 15), method = Self(place: 16), monoMicroseconds = Self(place: 17)
    static let notifications = Self(place: 18), out = Self(place: 19), pings = Self(place: 20)
    static let policy = Self(place: 21), prompt = Self(place: 22), salt = Self(place: 23), seq = Self(place: 24)
    static let srv = Self(place: 25), state = Self(place: 26), sub = Self(place: 27), t = Self(place: 28)
    static let tool = Self(place: 29), torn = Self(place: 30), trace = Self(place: 31), uriHash = Self(place: 32)
    static let v = Self(place: 33), version = Self(place: 34), why = Self(place: 35)

    /// What every record has.
    static let common: Self = [.agent, .boot, .inst, .key, .kind, .monoMicroseconds, .salt, .seq, .sub, .t, .v]
    /// What a call is about: one of these, if any.
    static let items: Self = [.prompt, .tool, .uriHash]
}
