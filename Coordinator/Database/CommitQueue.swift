internal import GRDB
internal import Synchronization

/// The one writer: runs changes in the order in which they came, several to a commit.
///
/// A commit costs one wait for the disk (about 3 ms), whatever it holds. So everything that arrives while a commit
/// is under way goes together into the next one, each change in a savepoint of its own: one that throws takes back
/// itself and nothing else. Nobody is answered before the commit that holds his change is on the disk.
final class CommitQueue: Sendable {
    /// One change, and who waits for it.
    struct Job: Sendable {
        /// Makes the change; throws to take it back.
        let run: @Sendable (SQLTransaction) throws -> Void
        /// Told once: nil after the commit, else why nothing of the change is there.
        let done: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var isRunning = false
    }

    /// So that one commit cannot grow without bound under load.
    private static let largestGroup = 128

    private let writer: DatabasePool
    private let state = Mutex(State())

    init(writer: DatabasePool) {
        self.writer = writer
    }

    func add(_ job: Job) {
        let mustStart = state.withLock { state in
            state.waiting.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        writer.asyncWriteWithoutTransaction { connection in self.drain(connection) }
    }

    private func drain(_ connection: GRDB.Database) {
        while let group = nextGroup() { commit(group, connection) }
    }

    private func nextGroup() -> [Job]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            let group = Array(state.waiting.prefix(Self.largestGroup))
            state.waiting.removeFirst(group.count)
            return group
        }
    }

    private func commit(_ group: [Job], _ connection: GRDB.Database) {
        var outcomes: [(any Error)?] = []
        var effects: [@Sendable () -> Void] = []
        do {
            try connection.beginTransaction(.immediate)
            for job in group {
                var failure: (any Error)?
                do {
                    let transaction = SQLTransaction(connection: connection, effects: SQLTransaction.Effects())
                    try connection.inSavepoint {
                        try job.run(transaction)
                        return .commit
                    }
                    effects += transaction.effects.afterCommit
                } catch {
                    failure = SQLError.classified(error)
                    // SQLite itself ends the whole transaction on some errors (disk full, I/O): then nothing of
                    // the group is there any more.
                    guard connection.isInsideTransaction else { throw error }
                }
                outcomes.append(failure)
            }
            try connection.commit()
        } catch {
            abandon(group, connection, error)
            return
        }
        for effect in effects { effect() }
        for (job, outcome) in zip(group, outcomes) { job.done(outcome) }
    }

    private func abandon(_ group: [Job], _ connection: GRDB.Database, _ error: any Error) {
        if let failure = error as? DatabaseError, failure.extendedResultCode == .SQLITE_IOERR_FSYNC {
            // Fatal: after a failed fsync nobody knows what of the file is on the disk, and asking again would
            // report success without it. The next start reads what is really there.
            fatalError("The database could not be brought to the disk: \(SQLError.classified(error))")
        }
        // Repairable: nothing was committed, every caller is told and may try again.
        try? connection.rollback()
        for job in group { job.done(SQLError.classified(error)) }
    }
}
