extension Migration {
    /// Which definitions of tools each machine was shown, and when.
    static let sights = Migration(
        name: "0023-sights",
        sql: """
            -- What a server showed of its tools, by the hash of it all: most machines are shown the same.
            CREATE TABLE tool_list (
                id INTEGER NOT NULL PRIMARY KEY,
                server TEXT NOT NULL REFERENCES server (alias) ON DELETE CASCADE,
                digest BLOB NOT NULL CHECK (length(digest) = 32),
                UNIQUE (server, digest)
            ) STRICT;

            CREATE TABLE tool_list_item (
                list INTEGER NOT NULL REFERENCES tool_list (id) ON DELETE CASCADE,
                tool TEXT NOT NULL,
                digest BLOB NOT NULL CHECK (length(digest) = 32),
                PRIMARY KEY (list, tool)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX tool_list_item_of_tool ON tool_list_item (tool, list);

            -- A time in which a machine was shown one list, in microseconds since 1970: those of one machine and server do not
            -- overlap, as a list that comes back begins anew.
            CREATE TABLE tool_sight (
                id INTEGER NOT NULL PRIMARY KEY,
                list INTEGER NOT NULL REFERENCES tool_list (id) ON DELETE CASCADE,
                agent_id TEXT NOT NULL REFERENCES agent (agent_id),
                first_at INTEGER NOT NULL,
                last_at INTEGER NOT NULL CHECK (last_at >= first_at)
            ) STRICT;
            CREATE INDEX tool_sight_by_list ON tool_sight (list, first_at);
            CREATE INDEX tool_sight_by_agent ON tool_sight (agent_id, list);
            """
    )
}
