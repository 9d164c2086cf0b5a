extension Migration {
    /// Groups of people, which the policy binds to roles.
    static let groups = Migration(
        name: "0019-groups",
        sql: """
            -- `source` is who says so: an administrator, or the provider that the person signs in with.
            CREATE TABLE group_member (
                name TEXT NOT NULL,
                sub TEXT NOT NULL REFERENCES person (sub),
                source TEXT NOT NULL CHECK (source IN ('coordinator', 'provider')),
                PRIMARY KEY (name, sub, source)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX group_of_person ON group_member (sub);
            """
    )
}
