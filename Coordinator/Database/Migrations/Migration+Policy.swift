extension Migration {
    /// Every policy that was ever in force, as it was written and as it was signed.
    static let policy = Migration(
        name: "0003-policy",
        sql: """
            CREATE TABLE policy (
                version INTEGER NOT NULL PRIMARY KEY,
                file BLOB NOT NULL,
                media_type TEXT NOT NULL,
                rules BLOB NOT NULL,
                digest TEXT NOT NULL,
                applied_by TEXT NOT NULL REFERENCES person (sub),
                applied_at INTEGER NOT NULL,
                note BLOB NOT NULL,
                signed_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL
            ) STRICT;
            """
    )
}
