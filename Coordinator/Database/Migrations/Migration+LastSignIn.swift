extension Migration {
    /// When people have proven themselves last.
    static let lastSignIn = Migration(
        name: "0026-last-sign-in",
        sql: """
            -- In seconds since 1970, at the identity provider; a one-time link proves nothing that a machine could not do.
            ALTER TABLE person ADD COLUMN signed_in_at INTEGER;
            """
    )
}
