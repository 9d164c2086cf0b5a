extension Migration {
    /// How calls went, counted as their records come in.
    static let measures = Migration(
        name: "0014-measures",
        sql: """
            -- Hours since 1970, by the time that records have; `server` is empty for what is about none that is known.
            -- `latencies` has how long calls took, as numbers of seven bits a byte.
            CREATE TABLE server_measure (
                hour INTEGER NOT NULL,
                server TEXT NOT NULL,
                ok INTEGER NOT NULL,
                tool_errors INTEGER NOT NULL,
                failed INTEGER NOT NULL,
                cancelled INTEGER NOT NULL,
                denied INTEGER NOT NULL,
                limited INTEGER NOT NULL,
                sign_ins INTEGER NOT NULL,
                latencies BLOB NOT NULL,
                PRIMARY KEY (hour, server)
            ) STRICT, WITHOUT ROWID;

            -- The same for each person, by days since 1970.
            CREATE TABLE person_measure (
                day INTEGER NOT NULL,
                sub TEXT NOT NULL REFERENCES person (sub),
                ok INTEGER NOT NULL,
                tool_errors INTEGER NOT NULL,
                failed INTEGER NOT NULL,
                cancelled INTEGER NOT NULL,
                denied INTEGER NOT NULL,
                limited INTEGER NOT NULL,
                sign_ins INTEGER NOT NULL,
                latencies BLOB NOT NULL,
                PRIMARY KEY (day, sub)
            ) STRICT, WITHOUT ROWID;
            """
    )
}
