extension Migration {
    /// Servers that were brought in from elsewhere and wait for an administrator, and where a server has come from.
    static let proposals = Migration(
        name: "0015-proposals",
        sql: """
            -- What each source says of a server now; the empty source is what administrators have brought in. The id is made of
            -- the contents, so that whoever names one has seen it.
            CREATE TABLE proposal (
                id TEXT NOT NULL PRIMARY KEY,
                source TEXT NOT NULL,
                name TEXT NOT NULL COLLATE NOCASE,
                version TEXT NOT NULL,
                -- Name, title and description in lower case, for the search.
                words TEXT NOT NULL,
                document BLOB NOT NULL,
                -- The file that it came in, where it was one.
                place TEXT,
                -- As the source says it of this version.
                status TEXT NOT NULL CHECK (status IN ('active', 'deprecated', 'deleted')),
                status_message TEXT,
                state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected')),
                made_at INTEGER NOT NULL,
                made_by TEXT REFERENCES person (sub),
                decided_at INTEGER,
                decided_by TEXT REFERENCES person (sub),
                UNIQUE (source, name),
                CHECK ((state = 'waiting') = (decided_at IS NULL))
            ) STRICT, WITHOUT ROWID;

            -- The source of the proposal that the entry was made of, and what was chosen then.
            ALTER TABLE server ADD COLUMN source TEXT NOT NULL DEFAULT '';
            ALTER TABLE server ADD COLUMN choice BLOB;
            -- The name in its server.json.
            ALTER TABLE server ADD COLUMN name TEXT NOT NULL DEFAULT '';
            UPDATE server SET name = json_extract(CAST(entry AS TEXT), '$.name');
            CREATE INDEX server_of_name ON server (name);
            """
    )
}
