import Foundation
import Testing

@testable import Database

@Suite("The database")
struct SQLDatabaseTests {
    private let folder: URL
    private var path: String { folder.appendingPathComponent("database.sqlite").path }
    private let tables = [Migration(name: "1", sql: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, n INTEGER) STRICT")]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("database-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    @Test("What was written is there after opening again")
    func persistence() async throws {
        let database = try SQLDatabase(path: path, migrations: tables)
        try await database.write { try $0.execute("INSERT INTO t VALUES (?, ?)", ["a", 1]) }
        try database.close()

        let again = try SQLDatabase(path: path, migrations: tables)
        let row = try await again.read { try $0.first("SELECT * FROM t") }
        #expect(try row?.text("k") == "a")
        #expect(try row?.integer("n") == 1)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("The writer waits for the disk")
    func synchronous() async throws {
        let database = try SQLDatabase(path: path, migrations: tables)
        let level = try await database.write { try $0.first("PRAGMA synchronous")?.integer("synchronous") }
        #expect(level == 2)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("A change that throws leaves nothing behind, and takes no other change with it")
    func isolation() async throws {
        struct Refused: Error {}
        let database = try SQLDatabase(path: path, migrations: tables)
        let written = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    do {
                        try await database.write { transaction in
                            try transaction.execute(
                                "INSERT INTO t VALUES (?, ?)",
                                [.text("k\(number)"), .integer(number)]
                            )
                            if number.isMultiple(of: 3) { throw Refused() }
                        }
                        return true
                    } catch { return false }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        let rows = try await database.read { try $0.rows("SELECT n FROM t") }
        #expect(rows.count == written)
        #expect(written == 133)
        #expect(try rows.allSatisfy { try !$0.integer("n").isMultiple(of: 3) })
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("A change that is alone in its commit leaves nothing behind when it throws, and the next one is as any other")
    func alone() async throws {
        struct Refused: Error {}
        let database = try SQLDatabase(path: path, migrations: tables)
        for number in 0..<6 {
            do {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO t VALUES (?, ?)", [.text("k\(number)"), .integer(number)])
                    transaction.afterCommit { #expect(number.isMultiple(of: 2)) }
                    guard number.isMultiple(of: 2) else { throw Refused() }
                }
            } catch is Refused {}
        }
        let rows = try await database.read { try $0.rows("SELECT n FROM t ORDER BY n") }
        #expect(try rows.map { try $0.integer("n") } == [0, 2, 4])
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("Many bytes are written from where they lie, also after a statement with others has failed")
    func stretch() async throws {
        let table = Migration(
            name: "1",
            sql: "CREATE TABLE b (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL CHECK (length(bytes) < 100000)) STRICT"
        )
        let database = try SQLDatabase(path: path, migrations: [table])
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        func insert(_ bytes: ArraySlice<UInt8>) async throws -> Int {
            try await database.write { try $0.insert("INSERT INTO b (bytes) VALUES (?)", [.stretch(bytes)]) }
        }
        for length in [1, 2, 99_999] {
            await #expect(throws: SQLError.self) { try await insert(bytes[...]) }
            let id = try await insert(bytes[7..<7 + length])
            let row = try await database.read { try $0.first("SELECT bytes FROM b WHERE id = ?", [.integer(id)]) }
            #expect(try row?.blob("bytes") == Array(bytes[7..<7 + length]))
        }
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("A duplicate is an error of its own kind, whose words hold no value")
    func constraint() async throws {
        let database = try SQLDatabase(path: path, migrations: tables)
        try await database.write { try $0.execute("INSERT INTO t VALUES ('secret-value', 1)") }
        let error = await #expect(throws: SQLError.self) {
            try await database.write { try $0.execute("INSERT INTO t VALUES (?, 1)", ["secret-value"]) }
        }
        #expect(error?.kind == .constraint)
        #expect(error?.description.contains("secret-value") == false)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("A file of a later release is refused")
    func newer() async throws {
        let later = tables + [Migration(name: "2", sql: "CREATE TABLE u (k TEXT) STRICT")]
        try SQLDatabase(path: path, migrations: later).close()
        let error = #expect(throws: SQLError.self) { try SQLDatabase(path: path, migrations: tables) }
        #expect(error?.kind == .newerSchema)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("A file that is no database is refused")
    func garbage() throws {
        try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: SQLError.self) { try SQLDatabase(path: path, migrations: tables) }
        #expect(error?.kind == .corrupt)
        try? FileManager.default.removeItem(at: folder)
    }

    @Test("The whole schema can be made")
    func schema() async throws {
        let database = try SQLDatabase(path: path)
        let count = try await database.read { try $0.first("SELECT count(*) AS n FROM revision")?.integer("n") }
        #expect(count == 1)
        try? FileManager.default.removeItem(at: folder)
    }
}
