extension Migration {
    /// How servers have described their tools, and which descriptions are approved.
    static let tools = Migration(
        name: "0010-tools",
        sql: """
            -- Servers of which definitions were approved: what they show from then on is compared.
            CREATE TABLE pinned_server (
                server TEXT NOT NULL PRIMARY KEY REFERENCES server (alias) ON DELETE CASCADE,
                pinned_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;

            -- Each definition that a machine was shown. One that was approved and by nobody was there at the first use.
            CREATE TABLE tool_definition (
                id INTEGER NOT NULL PRIMARY KEY,
                server TEXT NOT NULL REFERENCES server (alias) ON DELETE CASCADE,
                tool TEXT NOT NULL,
                digest BLOB NOT NULL CHECK (length(digest) = 32),
                definition BLOB NOT NULL,
                reported_by TEXT NOT NULL REFERENCES agent (agent_id),
                reported_at INTEGER NOT NULL,
                approved_at INTEGER,
                approved_by TEXT REFERENCES person (sub),
                UNIQUE (server, tool, digest),
                CHECK (approved_by IS NULL OR approved_at IS NOT NULL)
            ) STRICT;
            CREATE INDEX tool_definition_by_agent ON tool_definition (server, reported_by);

            -- What agents have to hear of it has a revision of its own.
            ALTER TABLE revision ADD COLUMN pins INTEGER NOT NULL DEFAULT 0;
            """
    )
}
