package import Database
package import Rights

extension SQLDatabase {
    /// A person with a machine, stored without an invitation; the same name is the same person and machine.
    package func caller(_ role: Role, _ name: String? = nil) async throws -> Caller {
        let name = name ?? role.rawValue
        let caller = Caller(
            sub: "p-\(name)",
            email: "\(name)@example.com",
            role: role,
            proof: .machine("a-\(name)"),
            isLocked: false
        )
        try await write { transaction in
            try transaction.execute(
                "INSERT INTO person (sub, email, role, created_at) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING",
                [.text(caller.sub), .text(caller.email), .text(role.rawValue)]
            )
            try transaction.execute(
                """
                INSERT INTO agent
                    (agent_id, sub, keyid, public_key, hostname, custody, version, enrolled_at, last_seen)
                VALUES (?, ?, ?, ?, 'desk', 'keyring', '1.0.0', 0, 0) ON CONFLICT DO NOTHING
                """,
                [
                    .text("a-\(name)"), .text(caller.sub), .text("key of \(caller.sub)"),
                    .blob([UInt8](repeating: 0, count: 32)),
                ]
            )
        }
        return caller
    }
}
