extension Migration {
    /// What people have said yes to in a browser: that a machine with a certain key comes in as theirs.
    static let enrolmentCodes = Migration(
        name: "0024-enrolment-codes",
        sql: """
            -- Of the code a hash is stored; whoever brings it has to sign with the key of `keyid`, and to know what
            -- `challenge` is the hash of (RFC 7636).
            CREATE TABLE enrolment_code (
                secret_hash BLOB NOT NULL PRIMARY KEY CHECK (length(secret_hash) = 32),
                sub TEXT NOT NULL REFERENCES person (sub),
                keyid TEXT NOT NULL,
                challenge TEXT NOT NULL,
                expires_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX enrolment_code_of_person ON enrolment_code (sub);
            """
    )
}
