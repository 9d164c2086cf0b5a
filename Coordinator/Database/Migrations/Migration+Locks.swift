extension Migration {
    /// Locks, which shut a machine or a person out until they are taken off; and what a machine tells of itself.
    static let locks = Migration(
        name: "0018-locks",
        sql: """
            ALTER TABLE agent ADD COLUMN locked_at INTEGER;
            ALTER TABLE agent ADD COLUMN locked_why TEXT CHECK (locked_why IS NULL OR locked_at IS NOT NULL);
            ALTER TABLE person ADD COLUMN locked_at INTEGER;
            ALTER TABLE person ADD COLUMN locked_why TEXT CHECK (locked_why IS NULL OR locked_at IS NOT NULL);

            -- How many seconds its clock is ahead of the coordinator's, by its signatures.
            ALTER TABLE agent ADD COLUMN clock_ahead INTEGER NOT NULL DEFAULT 0;
            -- How many records it has that are not stored here, as it said last.
            ALTER TABLE agent ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
            -- When it said that it ends; what is heard of it later means that it runs again.
            ALTER TABLE agent ADD COLUMN ended_at INTEGER;
            """
    )
}
