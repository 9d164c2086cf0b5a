extension Migration {
    /// When the machines of people of the identity provider have last been told who these are.
    static let identityNews = Migration(
        name: "0030-identity-news",
        sql: "ALTER TABLE identity ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;"
    )
}
