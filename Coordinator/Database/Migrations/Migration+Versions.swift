extension Migration {
    /// Every version of a server that was ever in use.
    static let versions = Migration(
        name: "0021-versions",
        sql: """
            -- The rows of a server stay when it leaves the registry. `listed` is the name under which the official API has it:
            -- the one of its server.json, unless another alias has that.
            CREATE TABLE server_version (
                id INTEGER NOT NULL PRIMARY KEY,
                alias TEXT NOT NULL,
                listed TEXT NOT NULL COLLATE NOCASE,
                version TEXT NOT NULL,
                -- Name, title, description and categories in lower case, for the search.
                words TEXT NOT NULL,
                entry BLOB NOT NULL,
                source TEXT NOT NULL DEFAULT '',
                choice BLOB,
                status TEXT NOT NULL CHECK (status IN ('active', 'deprecated', 'deleted')),
                status_message TEXT,
                status_at INTEGER NOT NULL,
                published_at INTEGER NOT NULL,
                published_by TEXT REFERENCES person (sub),
                updated_at INTEGER NOT NULL,
                -- The one that is in use, or was last.
                is_latest INTEGER NOT NULL CHECK (is_latest IN (0, 1)),
                UNIQUE (alias, version)
            ) STRICT;
            CREATE UNIQUE INDEX server_version_listed ON server_version (listed, version);
            CREATE UNIQUE INDEX server_version_latest ON server_version (alias) WHERE is_latest = 1;

            INSERT INTO server_version
                (alias, listed, version, words, entry, source, choice, status, status_at, published_at, updated_at, is_latest)
            SELECT
                alias,
                CASE
                    WHEN EXISTS (
                        SELECT 1 FROM server AS other
                        WHERE lower(other.name) = lower(server.name)
                            AND (other.created_at, other.alias) < (server.created_at, server.alias)
                    ) THEN 'local.doorward/' || alias
                    ELSE name
                END,
                json_extract(CAST(entry AS TEXT), '$.version'),
                lower(name || char(10) || COALESCE(json_extract(CAST(entry AS TEXT), '$.title'), '') || char(10)
                    || json_extract(CAST(entry AS TEXT), '$.description')),
                entry, source, choice, 'active', created_at, created_at, updated_at, 1
            FROM server;
            """
    )
}
