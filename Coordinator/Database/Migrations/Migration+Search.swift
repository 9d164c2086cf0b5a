extension Migration {
    /// An upload is stored together with what finds it.
    static let search = Migration(
        name: "0009-search",
        sql: """
            -- What earlier releases have stored and not looked into: the next start does, and nothing is added any more.
            CREATE TABLE search_backlog (
                batch INTEGER NOT NULL PRIMARY KEY REFERENCES agent_batch (id)
            ) STRICT;
            INSERT INTO search_backlog (batch)
                SELECT id FROM agent_batch
                WHERE id > (SELECT through FROM search_progress) AND length(records) > 0;
            DROP TABLE search_progress;
            """
    )
}
