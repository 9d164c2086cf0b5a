internal import GRDB

/// The coordinator's database.
///
/// * Durability: when `write` returns, the change is on the disk (`synchronous=FULL`).
/// * Consistency: each `read` sees one state; each `write` is one transaction, one after the other.
/// * Concurrency: readers do not wait for the writer. Closures run on the database's own threads and may block.
/// * Retries: none. An error means that nothing of the change is there.
package final class SQLDatabase: Sendable {
    private let path: String
    private let pool: DatabasePool
    let queue: CommitQueue
    let reserve: StorageReserve?

    /// Opens the file, makes it where it is missing, and brings its schema up to date.
    ///
    /// Blocks. The folder of `path` must be closed to others: the file and its journal inherit its protection.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - migrations: the steps of its schema.
    ///   - storage: what is kept free, and held in reserve; without it every change is taken as long as there is room.
    /// - Throws: `SQLError`.
    package init(path: String, migrations: [Migration] = Migration.all, storage: StorageLimits? = nil) throws {
        self.path = path
        reserve = storage.map { StorageReserve($0, path: path) }
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration(keepsJournal: storage != nil))
            try Self.makeDurable(pool)
            try Self.migrate(pool, migrations)
            if let reserve {
                reserve.extendJournal(of: path)
                try pool.writeWithoutTransaction { connection in
                    StorageReserve.growInSteps(connection)
                    // What a long view of the database has made it grow to is given back.
                    try connection.execute(sql: "PRAGMA journal_size_limit = \(reserve.limits.journal)")
                    reserve.look(connection)
                }
            }
        } catch {
            throw SQLError.classified(error)
        }
        queue = CommitQueue(writer: pool, reserve: reserve)
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
    ///
    /// - Parameters:
    ///   - lane: whose turn it is; by default that of the task.
    ///   - weight: the bytes that the change brings, where they are many.
    ///   - body: makes the change.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, `SQLError`.
    @discardableResult
    package func write<Answer: Sendable>(
        lane: WriteLane? = nil,
        weight: Int = 0,
        _ body: @escaping @Sendable (SQLTransaction) throws -> Answer
    ) async throws -> Answer {
        let answer = Once<Answer>()
        let lane = lane ?? WriteLane.current
        let companion = Companion.current
        return try await withCheckedThrowingContinuation { continuation in
            queue.add(
                CommitQueue.Job(
                    lane: lane,
                    weight: weight,
                    run: { transaction in
                        try companion?.change(transaction)
                        answer.set(try body(transaction))
                    },
                    done: { failure in continuation.resume(with: answer.result(failure)) }
                )
            )
        }
    }

    /// Makes a change that no caller waits for, and that is given up where it does not work: when something was used
    /// last.
    package func writeLater(_ body: @escaping @Sendable (SQLTransaction) throws -> Void) {
        queue.add(CommitQueue.Job(run: body, done: { _ in }))
    }

    /// Waits for what is under way and closes the file.
    ///
    /// Using the database afterwards is an error.
    package func close() throws {
        do {
            // Ignorable: it is written back at the next start.
            let isWrittenBack =
                reserve != nil
                && (try? pool.writeWithoutTransaction { connection in
                    // With a limit SQLite would give back all of it here.
                    try connection.execute(sql: "PRAGMA journal_size_limit = -1")
                    let result = try connection.checkpoint(.full)
                    return result.walFrameCount == result.checkpointedFrameCount
                }) == true
            try pool.close()
            reserve?.databaseIsClosed()
            if isWrittenBack { StorageReserve.emptyJournal(of: path) }
        } catch {
            throw SQLError.classified(error)
        }
    }

    private static func configuration(keepsJournal: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.label = "doorward.database"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { connection in
            // A damaged or prepared file must not run functions of ours from its schema, nor make the reader run wild.
            try connection.execute(sql: "PRAGMA trusted_schema = OFF")
            try connection.execute(sql: "PRAGMA cell_size_check = ON")
            // Debian's SQLite writes zeros over whatever is deleted, and so would write a removed log once more.
            try connection.execute(sql: "PRAGMA secure_delete = FAST")
            // Before the first table: what is removed later can be given back to the file system.
            if try Int.fetchOne(connection, sql: "PRAGMA page_count") == 0 {
                try connection.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            }
            if keepsJournal { StorageReserve.keepJournal(connection) }
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
                    next: "Put the data folder on a local file system.",
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
                next: "Install that release again, or restore an older backup."
            )
        }
        try migrator.migrate(pool)
    }
}
