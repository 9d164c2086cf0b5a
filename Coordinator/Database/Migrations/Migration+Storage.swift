extension Migration {
    /// The rows that keep the coordinator going where room is short, and the amount that each machine has stored.
    static let storage = Migration(
        name: "0008-storage",
        sql: """
            -- Rows that nobody reads: their pages are what the database lives on when the file system is full.
            CREATE TABLE storage_reserve (
                id INTEGER NOT NULL PRIMARY KEY,
                room BLOB NOT NULL
            ) STRICT;

            -- Written to find out whether anything can be written.
            CREATE TABLE storage_probe (
                id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
                count INTEGER NOT NULL
            ) STRICT;
            INSERT INTO storage_probe (id, count) VALUES (1, 0);

            -- The bytes of the machine's batches, each with what is written around it.
            ALTER TABLE agent_log ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
            UPDATE agent_log SET bytes = (
                SELECT COALESCE(SUM(length(records) + 2048), 0) FROM agent_batch
                WHERE agent_batch.agent_id = agent_log.agent_id
            );

            -- Logs whose records below a number were removed: the batches stay, without them, and so does every proof.
            CREATE TABLE agent_cut (
                agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agent (agent_id),
                below INTEGER NOT NULL CHECK (below > 0),
                bytes INTEGER NOT NULL,
                org_position INTEGER NOT NULL REFERENCES org_leaf (position),
                -- When they were made, where that was known of all of them.
                earliest INTEGER,
                latest INTEGER,
                -- Up to this record they are gone from the file.
                swept INTEGER NOT NULL DEFAULT 0
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX search_server_of_batch ON search_server (batch);
            """
    )
}
