internal import GRDB
internal import Synchronization

/// The one writer: runs changes in the order in which they came, several to a commit.
///
/// A commit costs one wait for the disk (about 3 ms), whatever it holds. So everything that arrives while a commit is
/// under way goes together into the next one, each change in a savepoint of its own: one that throws takes back itself
/// and nothing else. No caller is answered before the commit that holds its change is on the disk.
///
/// Each lane has its share of every commit, so a change waits for the commit that is under way and for those before it
/// in its own lane, however much there is in the others.
final class CommitQueue: Sendable {
    /// One change, and who waits for it.
    struct Job: Sendable {
        var lane = WriteLane.ordinary
        /// The bytes that it brings; so a commit does not take long.
        var weight = 0
        /// Makes the change; throws to take it back.
        let run: @Sendable (SQLTransaction) throws -> Void
        /// Told once: nil after the commit, else why nothing of the change is there.
        let done: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var waiting: [[Job]] = WriteLane.allCases.map { _ in [] }
        var isRunning = false
    }

    /// What one commit takes of each lane, so that it cannot grow without bound under load.
    private static let mostOfLane = 64
    private static let heaviestOfLane = 8 << 20

    private let writer: DatabasePool
    private let reserve: StorageReserve?
    private let state = Mutex(State())

    init(writer: DatabasePool, reserve: StorageReserve? = nil) {
        self.writer = writer
        self.reserve = reserve
    }

    func add(_ job: Job) {
        let mustStart = state.withLock { state in
            state.waiting[job.lane.rawValue].append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        writer.asyncWriteWithoutTransaction { connection in self.drain(connection) }
    }

    private func drain(_ connection: GRDB.Database) {
        while let group = nextGroup() {
            reserve?.look(connection)
            let refused = group.filter { reserve?.isClosed(to: $0.lane) == true }
            for job in refused { job.done(SQLError.noRoom) }
            let taken = refused.isEmpty ? group : group.filter { reserve?.isClosed(to: $0.lane) != true }
            if !taken.isEmpty { commit(taken, connection) }
        }
    }

    private func nextGroup() -> [Job]? {
        state.withLock { state in
            var group: [Job] = []
            for lane in state.waiting.indices {
                var weight = 0
                let count = state.waiting[lane].prefix(Self.mostOfLane).prefix { job in
                    defer { weight += job.weight }
                    return weight == 0 || weight + job.weight <= Self.heaviestOfLane
                }.count
                group += state.waiting[lane].prefix(count)
                state.waiting[lane].removeFirst(count)
            }
            guard !group.isEmpty else {
                state.isRunning = false
                return nil
            }
            return group
        }
    }

    private func commit(_ group: [Job], _ connection: GRDB.Database, isRepeated: Bool = false) {
        var outcomes: [(any Error)?] = []
        var effects: [@Sendable () -> Void] = []
        let changes = connection.totalChangesCount
        // Then the transaction itself is the savepoint.
        let isAlone = group.count == 1
        do {
            try connection.beginTransaction(.immediate)
            for job in group {
                var failure: (any Error)?
                do {
                    let transaction = SQLTransaction(connection: connection, effects: SQLTransaction.Effects())
                    if isAlone {
                        try job.run(transaction)
                    } else {
                        try connection.inSavepoint {
                            try job.run(transaction)
                            return .commit
                        }
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
            if isAlone, outcomes[0] != nil {
                try connection.rollback()
            } else {
                try connection.commit()
            }
        } catch {
            abandon(group, connection, error, isRepeated: isRepeated)
            return
        }
        // A commit of nothing writes nothing, and so says nothing.
        if connection.totalChangesCount != changes, outcomes.contains(where: { $0 == nil }) { reserve?.note(nil) }
        for effect in effects { effect() }
        var short: [Job] = []
        for (job, outcome) in zip(group, outcomes) {
            if !isRepeated, reserve != nil, (outcome as? SQLError)?.kind == .full {
                short.append(job)
            } else {
                job.done(outcome)
            }
        }
        if !short.isEmpty { commitOnReserve(short, connection) }
    }

    /// The disk was filled faster than it was looked at: what is no upload is tried once more, each change by itself, on
    /// what is held.
    private func commitOnReserve(_ jobs: [Job], _ connection: GRDB.Database) {
        reserve?.ranOut(connection)
        for job in jobs {
            if job.lane == .records {
                job.done(SQLError.noRoom)
            } else {
                commit([job], connection, isRepeated: true)
            }
        }
    }

    private func abandon(_ group: [Job], _ connection: GRDB.Database, _ error: any Error, isRepeated: Bool) {
        if let failure = error as? DatabaseError, failure.extendedResultCode == .SQLITE_IOERR_FSYNC {
            // Fatal: after a failed fsync it is unknown what of the file is on the disk, and asking again would report
            // success without it. The next start reads what is really there.
            fatalError("The database could not be brought to the disk: \(SQLError.classified(error))")
        }
        // Repairable: nothing was committed, every caller is told and may try again.
        try? connection.rollback()
        let failure = SQLError.classified(error)
        guard let reserve, let full = failure as? SQLError, full.kind == .full, !isRepeated else {
            reserve?.note(failure as? SQLError)
            for job in group { job.done(failure) }
            return
        }
        reserve.note(full)
        commitOnReserve(group, connection)
    }
}
