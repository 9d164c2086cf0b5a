internal import Bytes
package import Contract
internal import Database
package import StrictJSON

/// A machine as administrators see it.
package struct AgentSummary: Sendable, Equatable {
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
    /// Why its key opens nothing any more; nil: it does.
    package let revokedWhy: String?
    /// What its records take at the coordinator, in bytes; those below `removedBelow` are gone.
    package let storedBytes: Int
    package let removedBelow: Int?
    /// How its servers do, as it said last; nil where it has not.
    package let health: HealthReport?
    /// When it said so, in seconds since 1970.
    package let healthAt: Int?

    /// As `GET /v1/agents` shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "agent_id": .text(agentID), "user": .text(user), "version": .text(version), "custody": .text(custody),
            "last_seen": .text(UTCTime(seconds: lastSeen).shortText), "policy_version": .int(policyVersion),
            "hostname": .text(hostname), "key": .text(key),
            "enrolled": .text(UTCTime(seconds: enrolledAt).shortText),
        ]
        object["stored_bytes"] = .int(storedBytes)
        object["removed_below"] = removedBelow.map { .int($0) }
        object["servers"] = health?.json["servers"]
        object["servers_at"] = healthAt.map { .text(UTCTime(seconds: $0).shortText) }
        object["revoked"] = revokedWhy.map { .text($0) }
        return .object(object)
    }

    init(_ row: SQLRow) throws {
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
        storedBytes = try row.optionalInteger("bytes") ?? 0
        removedBelow = try row.optionalInteger("below")
        health = try row.optionalBlob("health").flatMap { bytes in
            (try? JSONValue(parsing: bytes)).flatMap { try? HealthReport($0) }
        }
        healthAt = try row.optionalInteger("health_at")
    }
}
