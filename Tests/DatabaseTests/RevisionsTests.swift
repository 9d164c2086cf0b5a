import Foundation
import ServiceKit
import Testing

@testable import Database

@Suite("The counter of changes")
struct RevisionsTests {
    private let database: SQLDatabase
    private let revisions = Revisions(changes: Signal())

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("revisions-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
    }

    @Test("Each change takes the next number")
    func numbers() async throws {
        let revisions = revisions
        try await database.write { transaction in
            try transaction.execute("INSERT INTO person (sub, email, created_at) VALUES ('s', 'a@b', 0)")
            try revisions.raiseBundle(in: transaction)
            try revisions.raisePerson(sub: "s", in: transaction)
            try revisions.raiseEntries(in: transaction)
            try revisions.raisePins(in: transaction)
        }
        let (current, person) = try await database.read { view in
            (try revisions.current(in: view), try view.first("SELECT revision FROM person")?.integer("revision"))
        }
        #expect(current == Revisions.Current(bundle: 1, entries: 3, pins: 4))
        #expect(person == 2)
    }

    @Test("Who waits is woken by a commit, and by nothing that was taken back", .timeLimit(.minutes(1)))
    func waking() async throws {
        struct Refused: Error {}
        let (database, revisions) = (database, revisions)
        let before = revisions.changes.version
        await #expect(throws: Refused.self) {
            try await database.write { transaction in
                try revisions.raiseBundle(in: transaction)
                throw Refused()
            }
        }
        #expect(revisions.changes.version == before)
        async let woken: Void = revisions.changes.wait(after: before)
        try await database.write { try revisions.raiseBundle(in: $0) }
        await woken
        #expect(revisions.changes.version == before + 1)
    }

    @Test("A change between looking and waiting is not missed", .timeLimit(.minutes(1)))
    func race() async {
        let before = revisions.changes.version
        revisions.changes.notify()
        await revisions.changes.wait(after: before)
    }

    @Test("Cancelling and closing end the wait", .timeLimit(.minutes(1)))
    func ends() async {
        let changes = revisions.changes
        let waiter = Task { await changes.wait(after: changes.version) }
        waiter.cancel()
        await waiter.value
        async let other: Void = changes.wait(after: changes.version)
        changes.close()
        await other
        await changes.wait(after: changes.version)
    }
}
