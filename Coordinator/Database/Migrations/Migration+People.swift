extension Migration {
    /// The people, their machines, and what lets a person in.
    ///
    /// Times are whole seconds since 1970, UTC. Secrets are stored as SHA-256 of 128 random bits or more, so a copy of
    /// the database opens nothing.
    static let people = Migration(
        name: "0001-people",
        sql: """
            CREATE TABLE setting (
                name TEXT NOT NULL PRIMARY KEY,
                value TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;

            -- The pseudonym `sub` is random; this table alone joins it to a person. A person without a role was named by
            -- the policy and has never been invited: nobody can act as him.
            CREATE TABLE person (
                sub TEXT NOT NULL PRIMARY KEY,
                email TEXT NOT NULL UNIQUE,
                role TEXT CHECK (role IN ('owner', 'admin', 'editor', 'auditor', 'member')),
                revision INTEGER NOT NULL DEFAULT 0,
                created_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE agent (
                agent_id TEXT NOT NULL PRIMARY KEY,
                sub TEXT NOT NULL REFERENCES person (sub),
                keyid TEXT NOT NULL UNIQUE,
                public_key BLOB NOT NULL CHECK (length(public_key) = 32),
                hostname TEXT NOT NULL,
                custody TEXT NOT NULL,
                version TEXT NOT NULL,
                enrolled_at INTEGER NOT NULL,
                last_seen INTEGER NOT NULL,
                policy_version INTEGER NOT NULL DEFAULT 0,
                revoked_at INTEGER,
                revoked_why TEXT,
                CHECK ((revoked_at IS NULL) = (revoked_why IS NULL))
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX agent_of_person ON agent (sub);

            CREATE TABLE invitation (
                id TEXT NOT NULL PRIMARY KEY,
                secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
                email TEXT NOT NULL,
                role TEXT CHECK (role IN ('owner', 'admin', 'editor', 'auditor', 'member')),
                created_by TEXT REFERENCES person (sub),
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                spent_at INTEGER,
                spent_by TEXT REFERENCES agent (agent_id),
                CHECK ((spent_at IS NULL) = (spent_by IS NULL))
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE token (
                id TEXT NOT NULL PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
                sub TEXT NOT NULL REFERENCES person (sub),
                scopes TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                last_used_at INTEGER
            ) STRICT, WITHOUT ROWID;

            -- Signatures that were accepted, until they have expired: each opens the door once, after a restart too.
            CREATE TABLE nonce (
                keyid TEXT NOT NULL,
                nonce TEXT NOT NULL,
                expires_at INTEGER NOT NULL,
                PRIMARY KEY (keyid, nonce)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX nonce_by_expiry ON nonce (expires_at);

            -- One counter for the whole organisation. What changes takes the next value as its revision, so what a
            -- machine does not have yet is whatever has a revision above the one that it names.
            CREATE TABLE revision (
                id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
                last INTEGER NOT NULL,
                bundle INTEGER NOT NULL,
                entries INTEGER NOT NULL
            ) STRICT;
            INSERT INTO revision (id, last, bundle, entries) VALUES (1, 0, 0, 0);
            """
    )
}
