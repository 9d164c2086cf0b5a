extension Migration {
    /// The epoch of the organisation's log: under which name its newest state is signed.
    static let epochs = Migration(
        name: "0007-epochs",
        sql: """
            -- The number of the last restart; 0 before any.
            ALTER TABLE org_head ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
            """
    )
}
