internal import AuditSink
internal import Database

/// What of an agent's row decides on its requests.
struct StoredAgent: Sendable {
    let id: String
    let sub: String
    let keyid: String
    let publicKey: [UInt8]
    let version: String
    let policyVersion: Int
    /// Seconds since 1970.
    let lastSeen: Int
    let isRevoked: Bool
    let lock: Lock?

    static func find(keyid: String, in view: some SQLReading) throws -> StoredAgent? {
        try view.first("SELECT * FROM agent WHERE keyid = ?", [.text(keyid)]).map { try StoredAgent($0) }
    }

    static func find(id: String, in view: some SQLReading) throws -> StoredAgent? {
        try view.first("SELECT * FROM agent WHERE agent_id = ?", [.text(id)]).map { try StoredAgent($0) }
    }

    private init(_ row: SQLRow) throws {
        id = try row.text("agent_id")
        sub = try row.text("sub")
        keyid = try row.text("keyid")
        publicKey = try row.blob("public_key")
        version = try row.text("version")
        policyVersion = try row.integer("policy_version")
        lastSeen = try row.integer("last_seen")
        isRevoked = try row.optionalInteger("revoked_at") != nil
        lock = try Lock(row)
    }
}
