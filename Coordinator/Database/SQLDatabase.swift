internal import GRDB

/// The coordinator's database.
///
/// * Durability: when `write` returns, the change is on the disk (`synchronous=FULL`).
/// * Consistency: each `read` sees one state; each `write` is one transaction, one after the other.
/// * Concurrency: readers do not wait for the writer. Closures run on the database's own threads and may block.
/// * Retries: none. An error means that nothing of the change is there.
package final class SQLDatabase: Sendable {
    private let pool: DatabasePool
    private let queue: CommitQueue

    /// Opens the file, makes it where it is missing, and brings its schema up to date.
    ///
    /// Blocks. The folder of `path` must be closed to others: the file and its journal inherit its protection.
    package init(path: String, migrations: [Migration] = Migration.all) throws {
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration())
            try Self.makeDurable(pool)
            try Self.migrate(pool, migrations)
        } catch {
            throw SQLError.classified(error)
        }
        queue = CommitQueue(writer: pool)
    }

    /// Gives `body` one consistent view of the database.
    package func read<Answer: Sendable>(_ body: @escaping @Sendable (SQLSnapshot) throws -> Answer) async throws
        -> Answer
    {
        do {
            return try await pool.read { connection in try body(SQLSnapshot(connection: connection)) }
        } catch {
            throw SQLError.classified(error)
        }
    }

    /// Runs `body` as one transaction and returns once it is on the disk.
    ///
    /// `body` may be run together with other changes in one commit, but sees and is seen by them as if alone. It must
    /// keep its effects inside of the transaction: it can have run, and still nothing be committed.
    @discardableResult
    package func write<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLTransaction) throws -> Answer
    ) async throws -> Answer {
        let answer = Once<Answer>()
        return try await withCheckedThrowingContinuation { continuation in
            queue.add(
                CommitQueue.Job(
                    run: { transaction in answer.set(try body(transaction)) },
                    done: { failure in continuation.resume(with: answer.result(failure)) }
                )
            )
        }
    }

    /// Waits for what is under way and closes the file.
    ///
    /// Using the database afterwards is an error.
    package func close() throws {
        do {
            try pool.close()
        } catch {
            throw SQLError.classified(error)
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "doorward.database"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { connection in
            // A damaged or prepared file must not run functions of ours from its schema, nor make the reader run wild.
            try connection.execute(sql: "PRAGMA trusted_schema = OFF")
            try connection.execute(sql: "PRAGMA cell_size_check = ON")
        }
        return configuration
    }

    private static func makeDurable(_ pool: DatabasePool) throws {
        try pool.writeWithoutTransaction { connection in
            // GRDB sets NORMAL after `prepareDatabase`, and in WAL mode NORMAL loses committed transactions at a power
            // cut (https://sqlite.org/pragma.html#pragma_synchronous). So it is set here, and read back.
            try connection.execute(sql: "PRAGMA synchronous = FULL")
            let level = try Int.fetchOne(connection, sql: "PRAGMA synchronous")
            let journal = try String.fetchOne(connection, sql: "PRAGMA journal_mode")
            guard level == 2, journal == "wal" else {
                throw SQLError(
                    .failed,
                    "The database does not promise to keep what it stores.",
                    hint: "Put the data folder on a local file system.",
                    cause: "synchronous \(level ?? -1), journal \(journal ?? "none")"
                )
            }
        }
    }

    private static func migrate(_ pool: DatabasePool, _ migrations: [Migration]) throws {
        var migrator = DatabaseMigrator()
        for migration in migrations {
            migrator.registerMigration(migration.name) { connection in try connection.execute(sql: migration.sql) }
        }
        let isNewer = try pool.read { [migrator] connection in try migrator.hasBeenSuperseded(connection) }
        guard !isNewer else {
            throw SQLError(
                .newerSchema,
                "The database was written by a later release of the coordinator.",
                hint: "Install that release again, or restore an older backup."
            )
        }
        try migrator.migrate(pool)
    }
}
