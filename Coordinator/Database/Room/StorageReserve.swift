internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import Synchronization

/// Keeps changes possible while the file system has no room for records, or for anything.
///
/// Why inside of the database's own files and not in a file that is given up when the disk is full: what is given up
/// goes to the next program that writes, and that is the one that has filled the disk. So
/// * the database holds rows that it can do without. As soon as the file system has less free than is to be kept, they
///   are deleted, and what is written from then on takes their pages: the file does not grow;
/// * the journal has its blocks from the start, and keeps them when it begins anew and when the program ends;
/// * before each commit the file is longer than it need be by more than the commit can bring. So whatever has been
///   committed can be written back, and the journal begin anew, however the disk is filled meanwhile.
///
/// So signatures are stored as used in the same way on a full disk as on an empty one, and each is accepted once, after
/// a restart too.
final class StorageReserve: Sendable {
    private struct State {
        var room = StorageRoom.ample
        /// Whether the rows are there; nil before the first look.
        var isHeld: Bool?
        var freePages = 0
        var failure: SQLError?
        /// When holding failed: it costs a large write, and is not tried again at once.
        var failedAt: ContinuousClock.Instant?
        var writtenBackAt: ContinuousClock.Instant?
    }

    let limits: StorageLimits
    private let path: String
    private let file: DatabaseFile
    private let state = Mutex(State())

    /// One row holds so much.
    private static let row = 1 << 20
    private static let page = 4096
    /// With fewer bytes free the file system counts as full.
    private static let full = 1 << 20
    private static let pause = Duration.seconds(30)

    /// The steps in which the file grows, and what it is ahead at least: a commit has 8 MiB of records at most.
    private static let step = 12 << 20
    private static let ahead = 10 << 20

    init(_ limits: StorageLimits, path: String) {
        self.limits = limits
        self.path = path
        file = DatabaseFile(path)
    }

    /// The database is closed.
    func databaseIsClosed() { file.close() }

    /// What was found last.
    var room: StorageRoom { state.withLock { $0.room } }

    /// Why the last commit failed; nil: it did not.
    var failure: SQLError? { state.withLock { $0.failure } }

    /// A commit was made, or not for this reason.
    func note(_ failure: SQLError?) {
        state.withLock { $0.failure = failure }
    }

    /// The pages that may be free without being given back to the file system.
    var pagesToKeep: Int {
        2048 + (state.withLock { $0.isHeld == true } ? 0 : limits.held / Self.page)
    }

    /// Whether a change has to wait until there is more room.
    func isClosed(to lane: WriteLane) -> Bool {
        state.withLock { state in
            guard state.room != .ample else { return false }
            return switch lane {
            case .governing: false
            // The last quarter is for those who can make room.
            case .ordinary: state.freePages < limits.held / Self.page / 4
            case .records: true
            }
        }
    }

    /// Looks at the file system, and gives up or takes back what is held; outside of a transaction.
    func look(_ connection: GRDB.Database) {
        guard let free = limits.free() else { return }
        let isHeld = state.withLock { $0.isHeld } ?? isHeld(connection)
        var holds = isHeld
        if free < limits.keepFree {
            if isHeld { holds = !giveUp(connection) }
        } else if !isHeld, free >= limits.keepFree + 2 * limits.held, mayHold {
            // More than the bound, or it would go to and fro around it.
            holds = getAhead(connection, by: limits.held + Self.ahead) && hold(connection)
            state.withLock { $0.failedAt = holds ? nil : .now }
        }
        let pages = holds ? 0 : (try? Int.fetchOne(connection, sql: "PRAGMA freelist_count")) ?? 0
        state.withLock { state in
            state.isHeld = holds
            state.freePages = pages
            if free < Self.full {
                state.room = .full
            } else {
                state.room = holds && free >= limits.keepFree ? .ample : .scarce(free: free)
            }
        }
        if room == .ample {
            if !getAhead(connection) { ranOut(connection) }
        } else {
            writeBack(connection)
        }
    }

    /// Has the journal begin anew, so that it need not grow: a change that finds no room for itself writes nothing back.
    private func writeBack(_ connection: GRDB.Database) {
        let isDue = state.withLock { state in
            if let last = state.writtenBackAt, .now - last < .seconds(1) { return false }
            state.writtenBackAt = .now
            return true
        }
        if isDue { try? connection.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
    }

    /// There was no room for a change, whatever the file system says of itself (a quota, say).
    func ranOut(_ connection: GRDB.Database) {
        // Waits for those who look at an earlier state, as long as anybody waits for the database.
        try? connection.execute(sql: "PRAGMA wal_checkpoint(RESTART)")
        if state.withLock({ $0.isHeld }) ?? isHeld(connection) { _ = giveUp(connection) }
        state.withLock { state in
            state.isHeld = false
            state.room = .full
            state.failedAt = .now
        }
    }

    // MARK: Rows

    private var mayHold: Bool { state.withLock { $0.failedAt.map { .now - $0 >= Self.pause } ?? true } }

    private func isHeld(_ connection: GRDB.Database) -> Bool {
        let rows = (try? Int.fetchOne(connection, sql: "SELECT COUNT(*) FROM storage_reserve")) ?? 0
        return rows * Self.row >= limits.held
    }

    private func hold(_ connection: GRDB.Database) -> Bool {
        do {
            try connection.inTransaction(.immediate) {
                try connection.execute(sql: "DELETE FROM storage_reserve")
                for _ in 0..<(limits.held / Self.row) {
                    try connection.execute(sql: "INSERT INTO storage_reserve (room) VALUES (zeroblob(\(Self.row)))")
                }
                return .commit
            }
            return true
        } catch {
            // Repairable: it is tried again with the next look, and records are not taken until then.
            return false
        }
    }

    private func giveUp(_ connection: GRDB.Database) -> Bool {
        do {
            try connection.execute(sql: "DELETE FROM storage_reserve")
            // While there is room: what the journal holds of new pages makes the file grow once more.
            try? connection.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)")
            return true
        } catch {
            // Repairable: as above.
            return false
        }
    }

    // MARK: File

    /// Has the file grow in steps, and so stay ahead when the journal is written back.
    static func growInSteps(_ connection: GRDB.Database) {
        var size = CInt(step)
        sqlite3_file_control(connection.sqliteConnection, nil, SQLITE_FCNTL_CHUNK_SIZE, &size)
    }

    /// Makes the file long enough for the next commit.
    private func getAhead(_ connection: GRDB.Database, by ahead: Int = ahead) -> Bool {
        var status = stat()
        // Asked before each commit, so it is not compiled each time.
        guard stat(path, &status) == 0, let count = try? connection.cachedStatement(sql: "PRAGMA page_count"),
            let pages = try? Int.fetchOne(count)
        else { return true }
        guard Int(status.st_size) < pages * Self.page + ahead else { return true }
        var size = Int64(pages * Self.page + ahead)
        // SQLite itself writes a byte into each block, and all of the block with it; its hint then finds nothing to do.
        file.grow(from: Int(status.st_size), to: (Int(size) + Self.step - 1) / Self.step * Self.step)
        return sqlite3_file_control(connection.sqliteConnection, nil, SQLITE_FCNTL_SIZE_HINT, &size) == SQLITE_OK
    }

    // MARK: Journal

    /// Has the journal keep its blocks when the last connection closes.
    static func keepJournal(_ connection: GRDB.Database) {
        var isOn: CInt = 1
        sqlite3_file_control(connection.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &isOn)
    }

    /// Allocates the journal's blocks; before anything else uses the database.
    func extendJournal(of path: String) {
        let file = open("\(path)-wal", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return }
        // Ignorable: without it the reserve is the smaller. SQLite reads a journal up to its last whole frame.
        _ = posix_fallocate(file, 0, off_t(limits.journal))
        close(file)
    }

    /// Makes a journal that was written back whole an empty one, which keeps its blocks.
    ///
    /// Its frames would otherwise go into whatever database file lies beside it at the next start: an older one that
    /// was restored, say.
    static func emptyJournal(of path: String) {
        let file = open("\(path)-wal", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return }
        let blank = [UInt8](repeating: 0, count: 32)
        if pwrite(file, blank, blank.count, 0) == blank.count { fsync(file) }
        close(file)
    }
}
