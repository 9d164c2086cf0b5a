extension Migration {
    /// Requests that were acted on, for those that come again with the same `Idempotency-Key`.
    static let repetition = Migration(
        name: "0017-repetition",
        sql: """
            -- `key_hash` is of who asked, for what, and with which key; `answer` is sealed with the key itself, which is not
            -- here: an answer may have a secret in it. It is null where the answer was lost.
            CREATE TABLE acted_on (
                key_hash BLOB NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
                attempt BLOB NOT NULL CHECK (length(attempt) = 16),
                request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
                answer BLOB,
                made_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX acted_on_by_age ON acted_on (made_at);
            """
    )
}
