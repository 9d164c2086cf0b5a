package import AuditSink
internal import Bytes
package import Contract
internal import Database
internal import People
internal import Rights
package import StrictJSON

/// A machine as administrators see it.
package struct AgentSummary: Sendable, Equatable {
    /// Whether the machine is heard of.
    package enum Presence: String, Sendable, CaseIterable {
        /// It asks for news all the time.
        case online
        /// It has said that it ends, and was not heard of since.
        case ended
        /// It was heard of, and then no more, without a word: it was killed, sleeps, or is kept from the coordinator.
        case silent
        /// Its key opens nothing any more.
        case revoked
    }

    package let agentID: String
    /// The person's e-mail address.
    package let user: String
    /// The fingerprint of its key.
    package let key: String
    package let hostname: String
    package let custody: String
    /// The release that it runs.
    package let version: String
    /// The policy that it has in force.
    package let policyVersion: Int
    /// Seconds since 1970.
    package let enrolledAt: Int
    package let lastSeen: Int
    package let presence: Presence
    /// Why its key opens nothing any more; nil: it does.
    package let revokedWhy: String?
    /// What shuts it out until it is taken off.
    package let lock: Lock?
    /// Whether its person is locked, and the machine with the person.
    package let isUserLocked: Bool
    /// What its records take at the coordinator, in bytes; those below `removedBelow` are gone.
    package let storedBytes: Int
    package let removedBelow: Int?
    /// How it does, as it said last; nil where it has not.
    package let health: HealthReport?
    /// When it said so, in seconds since 1970.
    package let healthAt: Int?

    /// After so long without a word a machine that polls counts as silent, in seconds: a poll is held for 25, and one that
    /// fails is tried again within a minute.
    package static let silence = 90

    /// Names what of the machine can be changed: an entity tag without its quotation marks.
    package var tag: String {
        get throws {
            try Expectation.tag([
                "agent": .text(agentID), "revoked": revokedWhy.map { .text($0) } ?? .null,
                "lock": lock?.stated ?? .null,
            ])
        }
    }

    /// As `GET /v1/agents` shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "agent_id": .text(agentID), "user": .text(user), "version": .text(version), "custody": .text(custody),
            "last_seen": .text(UTCTime(seconds: lastSeen).shortText), "policy_version": .int(policyVersion),
            "hostname": .text(hostname), "key": .text(key),
            "enrolled": .text(UTCTime(seconds: enrolledAt).shortText), "presence": .text(presence.rawValue),
            "locked": lock?.json ?? .null,
        ]
        object["user_locked"] = .bool(isUserLocked)
        object["stored_bytes"] = .int(storedBytes)
        object["removed_below"] = removedBelow.map { .int($0) }
        object["servers"] = health?.json["servers"]
        object["pending_records"] = health?.pendingRecords.map { .int($0) }
        object["clock_ahead_s"] = health?.clockAhead.map { .int($0) }
        object["servers_at"] = healthAt.map { .text(UTCTime(seconds: $0).shortText) }
        object["revoked"] = revokedWhy.map { .text($0) }
        return .object(object)
    }

    init(_ row: SQLRow, now: Int) throws {
        agentID = try row.text("agent_id")
        user = try row.text("email")
        key = try row.text("keyid")
        hostname = try row.text("hostname")
        custody = try row.text("custody")
        version = try row.text("version")
        policyVersion = try row.integer("policy_version")
        enrolledAt = try row.integer("enrolled_at")
        lastSeen = try row.integer("last_seen")
        revokedWhy = try row.optionalText("revoked_why")
        lock = try Lock(row)
        isUserLocked = try row.optionalInteger("user_locked_at") != nil
        storedBytes = try row.optionalInteger("bytes") ?? 0
        removedBelow = try row.optionalInteger("below")
        health = try row.optionalBlob("health").flatMap { bytes in
            (try? JSONValue(parsing: bytes)).flatMap { try? HealthReport($0) }
        }
        healthAt = try row.optionalInteger("health_at")
        let endedAt = try row.optionalInteger("ended_at") ?? 0
        if revokedWhy != nil {
            presence = .revoked
        } else if endedAt >= lastSeen {
            presence = .ended
        } else {
            presence = now - lastSeen <= Self.silence ? .online : .silent
        }
    }
}
