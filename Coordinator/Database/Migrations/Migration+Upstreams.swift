extension Migration {
    /// When upstream registries were asked, and what came of it.
    static let upstreams = Migration(
        name: "0022-upstreams",
        sql: """
            CREATE TABLE upstream (
                name TEXT NOT NULL PRIMARY KEY,
                -- The setting that the row is about: with another one everything begins anew.
                setting TEXT NOT NULL,
                next_at INTEGER NOT NULL,
                tried_at INTEGER,
                succeeded_at INTEGER,
                -- What has changed up to here is known.
                since INTEGER,
                failures INTEGER NOT NULL DEFAULT 0,
                -- Of the last try; null: it has succeeded.
                error TEXT,
                -- Servers of the last answer that could not be read, and the first of them with what is wrong.
                skipped INTEGER NOT NULL DEFAULT 0,
                problems BLOB
            ) STRICT, WITHOUT ROWID;
            """
    )
}
