/// The closed form of records: each member with what its value may be.
struct RecordForm: Sendable {
    /// A member of an object of this form.
    struct Member: Sendable {
        let name: StaticString
        let value: Value
        /// Where a reader keeps the value, if it is asked for.
        let slot: Slot?

        init(_ name: StaticString, _ value: Value, _ slot: Slot? = nil) {
            self.name = name
            self.value = value
            self.slot = slot
        }
    }

    /// What the value of a member may be.
    enum Value: Sendable {
        case text(LeafText)
        case hashOrEmpty
        case time
        /// One of these words.
        case word([String])
        /// 0 to 2^53 - 1.
        case count
        /// Of at most 2^53 - 1, either sign.
        case integer
        /// The integer 1.
        case one
        case list(of: LeafText, most: Int)
        case object(RecordForm)
    }

    /// The values that a reader hands on.
    enum Slot: Int, Sendable, CaseIterable {
        case agent, digest, key, kind, milliseconds, outcome, policy, reason, seq, server, sub, time
    }

    /// Sorted by the bytes of their names, as the canonical form has them; at most 64.
    let members: [Member]
    /// The members that must be there, a bit for each place.
    let required: UInt64

    init(_ members: [Member], isOptional: (Int) -> Bool = { _ in false }) {
        self.members = members
        required = members.indices.reduce(0) { isOptional($1) ? $0 : $0 | 1 << UInt64($1) }
    }
}

extension RecordForm {
    /// So many rules, and no more, are named in one record: a record has a bound.
    static let maxRules = 16
    /// The same of conditions on arguments.
    static let maxConditions = 16

    /// A whole record; places are those of `RecordMembers`, and which of them must be there is told by the kind.
    static let record = RecordForm(recordMembers) { _ in true }

    private static let recordMembers: [Member] = [
        Member("agent", .text(.agent), .agent),
        Member("boot", .text(.salt)),
        Member("bytes", .count),
        Member("call", .text(.id)),
        Member("calls", .count),
        Member("client", .object(client)),
        Member("countersigned", .count),
        Member("cred", .text(.word)),
        Member("custody", .text(.word)),
        Member("dec", .object(decision)),
        Member("delta_us", .integer),
        Member("digest", .hashOrEmpty, .digest),
        Member("inst", .text(.id)),
        Member("key", .text(.fingerprint), .key),
        Member("kind", .word(RecordKind.allCases.map(\.rawValue)), .kind),
        Member("known", .count),
        Member("method", .text(.name)),
        Member("mono_us", .count),
        Member("notifications", .count),
        Member("out", .object(outcome)),
        Member("pings", .count),
        Member("policy", .count, .policy),
        Member("prompt", .text(.name)),
        Member("salt", .text(.salt)),
        Member("seq", .count, .seq),
        Member("srv", .text(.name), .server),
        Member("state", .word(["off", "on"])),
        Member("sub", .text(.word), .sub),
        Member("t", .time, .time),
        Member("tool", .text(.name)),
        Member("torn", .count),
        Member("trace", .text(.id)),
        Member("uri_hash", .text(.hash)),
        Member("v", .one),
        Member("version", .text(.word)),
        Member("why", .text(.word)),
    ]

    private static let client = RecordForm([
        Member("how", .word(ClientProof.allCases.map(\.rawValue))),
        Member("id", .text(.name)),
    ])

    /// What came of conditions on arguments, in place 0, is there where a rule has some; the limiter, in place 3, where a limit
    /// was hit; and what was observed, in place 4, where a policy that only observes let a call pass.
    private static let decision = RecordForm(decisionMembers) { [0, 3, 4].contains($0) }

    private static let decisionMembers: [Member] = [
        Member("args", .list(of: .word, most: maxConditions)),
        Member("digest", .hashOrEmpty, .digest),
        Member("is", .word(["allow", "deny"])),
        Member("limiter", .text(.name)),
        Member("observed", .text(.word)),
        Member("policy", .count, .policy),
        Member("reason", .text(.word), .reason),
        Member("rules", .list(of: .name, most: maxRules)),
    ]

    private static let outcome = RecordForm([
        Member("bytes_in", .count),
        Member("bytes_out", .count),
        Member("is", .word(Outcome.Kind.allCases.map(\.rawValue)), .outcome),
        Member("ms", .count, .milliseconds),
    ])
}
