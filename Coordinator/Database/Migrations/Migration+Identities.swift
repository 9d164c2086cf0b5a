extension Migration {
    /// Who people are at the identity provider.
    static let identities = Migration(
        name: "0020-identities",
        sql: """
            -- Issuer and subject are a person at a provider for good: an address may change, and be given to somebody else.
            -- `confirmed_at` is when the provider has last said that this is one of its people, `asked_at` when it was
            -- asked last. `lapsed_at` is since when that is too long ago, or it has said no: until the person signs in
            -- again nothing of the person opens anything. `refresh` is a token to ask with, sealed.
            CREATE TABLE identity (
                issuer TEXT NOT NULL,
                subject TEXT NOT NULL,
                sub TEXT NOT NULL UNIQUE REFERENCES person (sub),
                refresh BLOB,
                confirmed_at INTEGER NOT NULL,
                asked_at INTEGER NOT NULL,
                lapsed_at INTEGER,
                PRIMARY KEY (issuer, subject)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX identity_by_question ON identity (asked_at) WHERE lapsed_at IS NULL;

            -- What a person has without the groups at the provider, while those give a higher role.
            ALTER TABLE person ADD COLUMN given_role TEXT
                CHECK (given_role IN ('owner', 'admin', 'editor', 'auditor', 'member'));

            -- What the provider wants to see when a browser ends its session there, sealed.
            ALTER TABLE browser_session ADD COLUMN id_token BLOB;
            """
    )
}
