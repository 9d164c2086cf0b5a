extension Migration {
    /// What administrators have changed, to be read and found.
    static let changes = Migration(
        name: "0016-changes",
        sql: """
            -- One row for each leaf `admin.change`. The texts, whose digests are in the leaf, may be taken away: nothing is
            -- proven by them that is not proven by the leaf.
            CREATE TABLE org_change (
                position INTEGER NOT NULL PRIMARY KEY REFERENCES org_leaf (position),
                -- Microseconds since 1970.
                time INTEGER NOT NULL,
                who TEXT NOT NULL,
                what TEXT NOT NULL,
                before_text BLOB,
                after_text BLOB
            ) STRICT;
            CREATE INDEX org_change_by ON org_change (who, position);
            CREATE INDEX org_change_of ON org_change (what, position);

            INSERT INTO org_change (position, time, who, what)
                SELECT
                    position,
                    CAST(strftime('%s', substr(json_extract(CAST(leaf AS TEXT), '$.t'), 1, 19)) AS INTEGER) * 1000000
                        + CAST(substr(json_extract(CAST(leaf AS TEXT), '$.t'), 21, 6) AS INTEGER),
                    subject,
                    json_extract(CAST(leaf AS TEXT), '$.what')
                FROM org_leaf WHERE kind = 'admin.change';
            """
    )
}
