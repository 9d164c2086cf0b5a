extension Migration {
    /// When people have last signed in at the identity provider themselves.
    static let identityAge = Migration(
        name: "0027-identity-age",
        sql: "ALTER TABLE identity ADD COLUMN signed_in_at INTEGER NOT NULL DEFAULT 0;"
    )
}
