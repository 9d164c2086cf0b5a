import Foundation
import Testing

@testable import Database

@Suite("Lists in pages")
struct ListingTests {
    private let database: SQLDatabase

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lists-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let things = Migration(
            name: "things",
            sql: "CREATE TABLE thing (a INTEGER NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;"
        )
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path, migrations: [things])
    }

    private func add(_ things: [(Int, String)]) async throws {
        try await database.write { transaction in
            for (a, b) in things {
                try transaction.execute("INSERT INTO thing (a, b) VALUES (?, ?)", [.integer(a), .text(b)])
            }
        }
    }

    private func page(_ list: Listing, _ request: PageRequest, _ conditions: [Listing.Condition] = []) async throws
        -> Page<String>
    {
        try await database.read { view in
            try list.page(request, where: conditions, in: view) { "\(try $0.integer("a"))\(try $0.text("b"))" }
        }
    }

    private static let keys: [Listing.Key] = [.init("a", "a"), .init("b", "b")]

    @Test("Pages of every size show each thing once and in order", arguments: [1, 2, 3, 7, 20, 21])
    func pages(size: Int) async throws {
        let things = (0..<20).map { ($0 / 3, ["x", "y", "z"][$0 % 3]) }
        try await add(things.shuffled())
        for isDescending in [false, true] {
            let list = Listing("SELECT * FROM thing", by: Self.keys, isDescending: isDescending)
            var (seen, after, pages) = ([String](), [SQLValue]?.none, 0)
            repeat {
                let page = try await page(list, PageRequest(limit: size, after: after))
                #expect(page.items.count == size || page.next == nil)
                seen += page.items
                after = page.next
                pages += 1
            } while after != nil
            let all = things.map { "\($0.0)\($0.1)" }
            #expect(seen == (isDescending ? all.reversed() : all))
            #expect(pages == (20 + size - 1) / size)
        }
    }

    @Test("What comes or goes before a place moves nothing behind it")
    func changes() async throws {
        try await add([(1, "a"), (2, "a"), (3, "a")])
        let list = Listing("SELECT * FROM thing", by: Self.keys)
        let first = try await page(list, PageRequest(limit: 2))
        try await add([(0, "a"), (1, "b"), (4, "a")])
        try await database.write { transaction in try transaction.execute("DELETE FROM thing WHERE a = 2") }
        #expect(try await page(list, PageRequest(limit: 9, after: first.next)).items == ["3a", "4a"])
        let some = try await page(list, PageRequest(limit: 9), [.init("a > ?", 1), .init("b = ?", "a")])
        #expect(some.items == ["3a", "4a"])
    }

    @Test("A place of another list is refused, and a value in it is never a part of the statement")
    func foreign() async throws {
        try await add([(1, "a"), (2, "b")])
        let list = Listing("SELECT * FROM thing", by: Self.keys)
        for place in [[], [1], [1, "a", "b"]] as [[SQLValue]] {
            await #expect(throws: ForeignPlace.self) { try await page(list, PageRequest(limit: 1, after: place)) }
        }
        let strange = PageRequest(limit: 9, after: ["x') OR 1=1 --", "'"])
        #expect(try await page(list, strange).items.isEmpty)
    }
}
