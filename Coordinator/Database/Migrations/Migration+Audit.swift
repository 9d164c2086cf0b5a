extension Migration {
    /// The organisation's log, the copies of the agents' logs, and what finds something in them again.
    ///
    /// Rows of logs are only ever added. Hashes of complete subtrees are kept so that a proof costs some look-ups, not a
    /// walk over the log: of the organisation's log all above the leaves; of an agent's log those over 256 leaves and
    /// more, since a block of 256 records is hashed in a tenth of a millisecond.
    static let audit = Migration(
        name: "0004-audit",
        sql: """
            -- `subject` is what a leaf is about, where somebody will look for it: the agent of a key, the version of a
            -- bundle, the author of a change. An agent's checkpoint is found through its batch.
            CREATE TABLE org_leaf (
                position INTEGER NOT NULL PRIMARY KEY CHECK (position >= 0),
                kind TEXT NOT NULL,
                subject TEXT,
                leaf BLOB NOT NULL
            ) STRICT;
            CREATE INDEX org_leaf_about ON org_leaf (kind, subject) WHERE subject IS NOT NULL;

            CREATE TABLE org_node (
                level INTEGER NOT NULL CHECK (level > 0),
                position INTEGER NOT NULL,
                hash BLOB NOT NULL CHECK (length(hash) = 32),
                PRIMARY KEY (level, position)
            ) STRICT, WITHOUT ROWID;

            -- The one head: whoever extends the log does it from here, in the same transaction.
            CREATE TABLE org_head (
                id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
                size INTEGER NOT NULL CHECK (size > 0),
                peaks BLOB NOT NULL,
                note BLOB NOT NULL
            ) STRICT;

            CREATE TABLE agent_log (
                agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agent (agent_id),
                size INTEGER NOT NULL CHECK (size > 0),
                peaks BLOB NOT NULL,
                note BLOB NOT NULL,
                locked_at INTEGER
            ) STRICT, WITHOUT ROWID;

            -- One upload: the records first ..< next with their line feeds, the exact bytes that were hashed; and the
            -- agent's note with the countersignature.
            CREATE TABLE agent_batch (
                id INTEGER NOT NULL PRIMARY KEY,
                agent_id TEXT NOT NULL REFERENCES agent (agent_id),
                first INTEGER NOT NULL CHECK (first >= 0),
                next INTEGER NOT NULL CHECK (next > first),
                records BLOB NOT NULL,
                note BLOB NOT NULL,
                org_position INTEGER NOT NULL REFERENCES org_leaf (position),
                UNIQUE (agent_id, next)
            ) STRICT;

            CREATE TABLE agent_node (
                agent_id TEXT NOT NULL REFERENCES agent (agent_id),
                level INTEGER NOT NULL CHECK (level >= 8),
                position INTEGER NOT NULL,
                hash BLOB NOT NULL CHECK (length(hash) = 32),
                PRIMARY KEY (agent_id, level, position)
            ) STRICT, WITHOUT ROWID;

            -- Two statements of one agent that contradict each other, with the records that came with the second. After
            -- the first such pair nothing more is taken from the agent, so there is never a second.
            CREATE TABLE agent_fork (
                agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agent (agent_id),
                stored_size INTEGER NOT NULL,
                stored_note BLOB NOT NULL,
                note BLOB NOT NULL,
                first INTEGER NOT NULL,
                records BLOB NOT NULL,
                org_position INTEGER NOT NULL REFERENCES org_leaf (position),
                seen_at INTEGER NOT NULL
            ) STRICT;

            -- Filled behind: batches up to `through` are found through the two tables, later ones by looking into them.
            CREATE TABLE search_progress (
                id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
                through INTEGER NOT NULL
            ) STRICT;
            INSERT INTO search_progress (id, through) VALUES (1, 0);

            -- When the records of a batch were made, in microseconds since 1970 as they say it themselves.
            CREATE TABLE search_time (
                batch INTEGER NOT NULL PRIMARY KEY REFERENCES agent_batch (id),
                earliest INTEGER NOT NULL,
                latest INTEGER NOT NULL
            ) STRICT;
            CREATE INDEX search_time_latest ON search_time (latest, earliest);

            -- Which servers the records of a batch are about. Whose they are is told by the agent's row.
            CREATE TABLE search_server (
                server TEXT NOT NULL,
                batch INTEGER NOT NULL REFERENCES agent_batch (id),
                PRIMARY KEY (server, batch)
            ) STRICT, WITHOUT ROWID;
            """
    )
}
