extension Migration {
    /// Which token a token was made with: it is removed with that one.
    static let tokenFamilies = Migration(
        name: "0005-token-families",
        sql: """
            ALTER TABLE token ADD COLUMN made_with TEXT REFERENCES token (id);
            CREATE INDEX token_of_token ON token (made_with) WHERE made_with IS NOT NULL;
            """
    )
}
