extension Migration {
    /// The MCP servers of the organisation.
    static let registry = Migration(
        name: "0002-registry",
        sql: """
            CREATE TABLE server (
                alias TEXT NOT NULL PRIMARY KEY,
                entry BLOB NOT NULL,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            """
    )
}
