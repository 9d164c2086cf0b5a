extension Migration {
    /// How the servers do, as each machine sees them.
    static let health = Migration(
        name: "0011-health",
        sql: """
            -- The document of the machine's last report, and when it came.
            ALTER TABLE agent ADD COLUMN health BLOB;
            ALTER TABLE agent ADD COLUMN health_at INTEGER CHECK ((health IS NULL) = (health_at IS NULL));
            """
    )
}
