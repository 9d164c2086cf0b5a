extension Migration {
    /// Browsers that people have signed in with, and the one-time links that let a browser in.
    static let sessions = Migration(
        name: "0013-sessions",
        sql: """
            -- `secret_hash` is of the 256 bits in the cookie. `csrf` proves that a form came from a page of this session;
            -- without the cookie it opens nothing. `signed_in_at` is when the person has proven itself last.
            CREATE TABLE browser_session (
                id TEXT NOT NULL PRIMARY KEY,
                secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
                csrf BLOB NOT NULL CHECK (length(csrf) = 32),
                sub TEXT NOT NULL REFERENCES person (sub),
                how TEXT NOT NULL CHECK (how IN ('link', 'provider')),
                machine TEXT REFERENCES agent (agent_id),
                opened_at INTEGER NOT NULL,
                signed_in_at INTEGER NOT NULL,
                used_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX browser_session_of_person ON browser_session (sub);
            CREATE INDEX browser_session_of_machine ON browser_session (machine) WHERE machine IS NOT NULL;

            -- A link is for the person of an address. `role` is what it gives, where the coordinator itself made it for an
            -- owner who has not come yet. `machine` is the one that asked for it.
            CREATE TABLE sign_in_link (
                id TEXT NOT NULL PRIMARY KEY,
                secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
                email TEXT NOT NULL,
                role TEXT CHECK (role IN ('owner')),
                machine TEXT REFERENCES agent (agent_id),
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                spent_at INTEGER
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX sign_in_link_of_machine ON sign_in_link (machine) WHERE machine IS NOT NULL;
            """
    )
}
