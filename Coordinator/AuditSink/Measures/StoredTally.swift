internal import Database

/// Counts as the database has them: of a server in an hour, of a person on a day.
enum StoredTally {
    /// Which counts; hours and days are numbered from 1970 on, in UTC.
    enum Key {
        case server(String, hour: Int)
        case person(String, day: Int)

        fileprivate var table: String {
            switch self {
            case .server: "server_measure"
            case .person: "person_measure"
            }
        }

        fileprivate var columns: (name: String, time: String) {
            switch self {
            case .server: ("server", "hour")
            case .person: ("sub", "day")
            }
        }

        fileprivate var values: [SQLValue] {
            switch self {
            case .server(let server, let hour): [.integer(hour), .text(server)]
            case .person(let sub, let day): [.integer(day), .text(sub)]
            }
        }
    }

    private static let counts = "ok, tool_errors, failed, cancelled, denied, limited, sign_ins, latencies"

    static func add(_ tally: Tally, to key: Key, in transaction: SQLTransaction) throws {
        let (name, time) = key.columns
        let row = try transaction.first(
            "SELECT \(counts) FROM \(key.table) WHERE \(time) = ? AND \(name) = ?",
            key.values
        )
        var sum = try row.map { try Tally($0) } ?? Tally()
        sum.add(tally)
        try transaction.execute(
            """
            INSERT OR REPLACE INTO \(key.table) (\(time), \(name), \(counts)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            key.values + sum.values
        )
    }
}

extension Tally {
    init(_ row: SQLRow) throws {
        ok = try row.integer("ok")
        toolErrors = try row.integer("tool_errors")
        failed = try row.integer("failed")
        cancelled = try row.integer("cancelled")
        denied = try row.integer("denied")
        limited = try row.integer("limited")
        signIns = try row.integer("sign_ins")
        guard let latencies = LatencyHistogram(try row.blob("latencies")) else {
            throw SQLError.schema(column: "latencies")
        }
        self.latencies = latencies
    }

    fileprivate var values: [SQLValue] {
        [
            .integer(ok), .integer(toolErrors), .integer(failed), .integer(cancelled), .integer(denied),
            .integer(limited), .integer(signIns), .blob(latencies.bytes),
        ]
    }
}
