import Foundation
import Synchronization
import Testing

@testable import Database

@Suite("Room on the disk")
struct RoomTests {
    private let folder: URL
    private var path: String { folder.appendingPathComponent("database.sqlite").path }
    private let free = Free()

    /// What the file system says to be free.
    private final class Free: Sendable {
        let bytes = Mutex(1 << 40)
    }

    private final class Order: Sendable {
        let lanes = Mutex<[WriteLane]>([])
        func add(_ lane: WriteLane) { lanes.withLock { $0.append(lane) } }
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("room-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    private func open() throws -> SQLDatabase {
        let free = free
        let limits = StorageLimits(keepFree: 100 << 20, held: 4 << 20, journal: 8 << 20) { free.bytes.withLock { $0 } }
        return try SQLDatabase(path: path, storage: limits)
    }

    private func set(free bytes: Int, _ database: SQLDatabase) async throws {
        free.bytes.withLock { $0 = bytes }
        try await database.lookForRoom()
    }

    private func code(_ lane: WriteLane, _ database: SQLDatabase) async -> SQLError.Kind? {
        do {
            try await database.write(lane: lane) { try $0.execute("UPDATE storage_probe SET count = count + 1") }
            return nil
        } catch {
            return (error as? SQLError)?.kind
        }
    }

    @Test("Below the bound records are refused and nothing else; they are taken again once there is room")
    func bound() async throws {
        let database = try open()
        defer { remove() }
        #expect(database.room == .ample)
        for lane in WriteLane.allCases { #expect(await code(lane, database) == nil) }

        try await set(free: 99 << 20, database)
        #expect(database.room == .scarce(free: 99 << 20))
        #expect(await code(.records, database) == .noRoom)
        #expect(await code(.ordinary, database) == nil)
        #expect(await code(.governing, database) == nil)

        // A little more than the bound would be below it again at once.
        try await set(free: 101 << 20, database)
        #expect(await code(.records, database) == .noRoom)
        try await set(free: 200 << 20, database)
        #expect(database.room == .ample)
        #expect(await code(.records, database) == nil)
        try database.close()
    }

    @Test("What is held becomes pages for changes, and its last quarter is for those who can make room")
    func reserve() async throws {
        let database = try open()
        defer { remove() }
        try await database.write { try $0.execute("CREATE TABLE t (b BLOB)") }
        try await set(free: 0, database)
        #expect(database.room == .full)
        let size = try await pages(database)
        var taken = 0
        while await fill(.ordinary, database) == nil { taken += 1 }
        #expect(await fill(.ordinary, database) == .noRoom)
        #expect(taken >= 20)
        #expect(await fill(.governing, database) == nil)
        #expect(try await pages(database) == size)
        try database.close()
    }

    @Test("Where the disk is full before it was looked at, changes are made on the reserve, and records are refused")
    func surprise() async throws {
        let database = try open()
        defer { remove() }
        try await database.write { try $0.execute("CREATE TABLE t (b BLOB)") }
        let size = try await pages(database)
        // SQLite itself says then that the disk is full.
        try await database.write { try $0.execute("PRAGMA max_page_count = \(size + 2)") }
        #expect(await fill(.records, database) == .noRoom)
        #expect(database.room == .full)
        #expect(await fill(.governing, database) == nil)
        #expect(try await pages(database) <= size + 2)
        try database.close()

        let again = try open()
        let next = try await pages(again)
        try await again.write { try $0.execute("PRAGMA max_page_count = \(next + 2)") }
        #expect(await fill(.ordinary, again) == nil)
        try again.close()
    }

    private func fill(_ lane: WriteLane, _ database: SQLDatabase) async -> SQLError.Kind? {
        do {
            try await database.write(lane: lane) { try $0.execute("INSERT INTO t VALUES (zeroblob(100000))") }
            return nil
        } catch {
            return (error as? SQLError)?.kind
        }
    }

    private func pages(_ database: SQLDatabase) async throws -> Int {
        try await database.read { try $0.first("PRAGMA page_count")?.integer("page_count") ?? 0 }
    }

    @Test("The journal has its blocks from the start and keeps them, and nothing of it gets into an older file")
    func journal() async throws {
        defer { remove() }
        let first = try open()
        let journal = "\(path)-wal"
        #expect(try blocks(of: journal) >= 8 << 20)
        try first.close()
        #expect(try blocks(of: journal) >= 8 << 20)
        let older = try Data(contentsOf: URL(fileURLWithPath: path))

        let second = try open()
        for _ in 0..<5 { #expect(await code(.ordinary, second) == nil) }
        try second.close()
        try older.write(to: URL(fileURLWithPath: path))
        let restored = try open()
        let count = try await restored.read { try $0.first("SELECT count FROM storage_probe")?.integer("count") }
        #expect(count == 0)
        try restored.close()
    }

    @Test("A journal that has grown behind a reader that looks for long becomes short again")
    func longView() async throws {
        let database = try open()
        defer { remove() }
        try await database.write { try $0.execute("CREATE TABLE t (b BLOB)") }
        let (seen, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let view: Void = database.read { view in
            _ = try view.first("SELECT 1 FROM storage_probe")
            seen.signal()
            done.wait()
        }
        await Task.detached { Self.wait(seen) }.value
        for _ in 0..<20 {
            try await database.write { try $0.execute("INSERT INTO t VALUES (zeroblob(1000000))") }
        }
        #expect(try blocks(of: "\(path)-wal") > 18 << 20)
        done.signal()
        try await view
        for _ in 0..<3 { #expect(await code(.ordinary, database) == nil) }
        let left = try blocks(of: "\(path)-wal")
        #expect((8 << 20...9 << 20).contains(left))
        try database.close()
        #expect(try blocks(of: "\(path)-wal") >= 8 << 20)
    }

    private static func wait(_ semaphore: DispatchSemaphore) { semaphore.wait() }

    @Test("The file is ahead of what is stored by more than a commit brings, and has the blocks for it")
    func ahead() async throws {
        let database = try open()
        defer { remove() }
        try await database.write { try $0.execute("CREATE TABLE t (b BLOB)") }
        for _ in 0..<6 {
            try await database.write(lane: .records, weight: 8 << 20) { transaction in
                for _ in 0..<8 { try transaction.execute("INSERT INTO t VALUES (randomblob(1000000))") }
            }
            try await database.lookForRoom()
            let size = try await pages(database) * 4096
            #expect(try blocks(of: path) >= size + (10 << 20))
        }
        try database.close()
        let again = try open()
        #expect(try await again.read { try $0.first("SELECT COUNT(*) AS n FROM t")?.integer("n") } == 48)
        try again.close()
    }

    private func blocks(of path: String) throws -> Int {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return Int(status.st_blocks) * 512
    }

    @Test("However many records wait, a change that governs is in the next commit but one")
    func lanes() async throws {
        let database = try open()
        defer { remove() }
        let order = Order()
        let gate = DispatchSemaphore(value: 0)
        let queue = database.queue
        queue.add(CommitQueue.Job(run: { _ in gate.wait() }, done: { _ in }))
        for _ in 0..<200 {
            queue.add(
                CommitQueue.Job(lane: .records, weight: 4 << 20, run: { _ in order.add(.records) }, done: { _ in })
            )
        }
        for _ in 0..<20 {
            queue.add(CommitQueue.Job(lane: .governing, run: { _ in order.add(.governing) }, done: { _ in }))
        }
        gate.signal()
        try await database.write(lane: .records) { _ in }
        let lanes = order.lanes.withLock { $0 }
        let last = try #require(lanes.lastIndex(of: .governing))
        // Two uploads of 4 MiB fill a commit's share of them.
        #expect(last < 20 + 2 * 4)
        #expect(lanes.count == 220)
        try database.close()
    }

    @Test("What is removed is given back to the file system, a little at a time")
    func givingBack() async throws {
        let database = try open()
        defer { remove() }
        try await database.write { transaction in
            try transaction.execute("CREATE TABLE t (b BLOB)")
            for _ in 0..<200 { try transaction.execute("INSERT INTO t VALUES (zeroblob(200000))") }
        }
        let full = try await pages(database)
        try await database.write { try $0.execute("DELETE FROM t") }
        var steps = 0
        while try await database.giveBack(atMost: 512) { steps += 1 }
        #expect(try await pages(database) < full - 7000)
        #expect(steps >= 10)
        #expect(try await database.giveBack() == false)
        try database.close()
    }

    @Test("A note that no caller waits for is made when there is time, and is no error where it cannot be")
    func later() async throws {
        let database = try open()
        defer { remove() }
        database.writeLater { try $0.execute("UPDATE storage_probe SET count = 7") }
        database.writeLater { try $0.execute("INSERT INTO storage_probe (id, count) VALUES (1, 1)") }
        try await database.write { _ in }
        let count = try await database.read { try $0.first("SELECT count FROM storage_probe")?.integer("count") }
        #expect(count == 7)
        try database.close()
    }
}
