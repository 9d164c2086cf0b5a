internal import Bytes
internal import Database
package import Rights
package import StrictJSON

/// Why a machine's key opens nothing any more, as its leaf says it.
package enum KeyEnd: String, Sendable {
    /// The machine itself said so.
    case left
    /// An administrator took it away.
    case revoked
    /// Its person was removed.
    case removed
}

/// What happens to machines that came in with an invitation of what is taken away.
package enum EnrolledMachines: String, Sendable, CaseIterable {
    /// They stay, and are named: they are as a rule those of other people, who did nothing wrong.
    case keep
    /// Their keys are taken away too, but for the machine that asks for it and those of people above its own.
    case revoke
}

/// What was taken away together, in one transaction.
package struct Ended: Sendable, Equatable {
    /// The ids of machines whose keys were taken away.
    package internal(set) var agents: [String] = []
    /// The names of tokens.
    package internal(set) var tokens: [String] = []
    /// The ids of invitations that were not used.
    package internal(set) var invitations: [String] = []
    /// The machines that came in with an invitation of what was taken away, and whose keys are good still.
    ///
    /// Those that these let in are among them. An administrator has to look at them: one of them may be the thief's.
    package internal(set) var enrolled: [EnrolledMachine] = []
    /// The people who are more than members, and have that from what was taken away.
    ///
    /// An administrator has to look at them too, and confirms a role by giving it once more.
    package internal(set) var raised: [RaisedPerson] = []

    /// Nothing.
    package init() {}

    /// The members `ended`, `enrolled` and `raised` of an answer.
    package var members: JSONObject {
        [
            "ended": [
                "agents": .array(agents.map { .text($0) }), "tokens": .array(tokens.map { .text($0) }),
                "invitations": .array(invitations.map { .text($0) }),
            ],
            "enrolled": .array(enrolled.map(\.json)), "raised": .array(raised.map(\.json)),
        ]
    }

    /// An answer's object with the members of this one.
    package func joined(to json: JSONValue) -> JSONValue {
        var object = json.object ?? [:]
        for member in members.members { object[member.name] = member.value }
        return .object(object)
    }
}

/// A person with the role that was given.
package struct RaisedPerson: Sendable, Equatable {
    /// The e-mail address.
    package let user: String
    package let role: Role

    var json: JSONValue { ["email": .text(user), "role": .text(role.rawValue)] }
}

/// A machine whose key is good, with its person.
package struct EnrolledMachine: Sendable, Equatable {
    package let agentID: String
    /// The person's e-mail address.
    package let user: String
    /// Seconds since 1970.
    package let enrolledAt: Int
    let sub: String
    let keyid: String
    let role: Role?

    var json: JSONValue {
        [
            "agent_id": .text(agentID), "user": .text(user),
            "enrolled": .text(UTCTime(seconds: enrolledAt).shortText),
        ]
    }

    /// The columns that the row must have.
    static let columns = "agent.agent_id, agent.sub, agent.keyid, agent.enrolled_at, person.email, person.role"

    init(_ row: SQLRow) throws {
        agentID = try row.text("agent_id")
        user = try row.text("email")
        enrolledAt = try row.integer("enrolled_at")
        sub = try row.text("sub")
        keyid = try row.text("keyid")
        role = try row.optionalText("role").flatMap { Role(rawValue: $0) }
    }
}
