import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Kits
import People
import Policy
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import PolicyStore

/// A policy desk over a real database in a folder of its own, which can be closed and opened again, with a clock that
/// tests move.
struct Desk {
    private final class Seconds: Sendable {
        let value = Mutex(1_785_196_800)
    }

    private let seconds: Seconds
    let folder: URL
    let database: SQLDatabase
    let log: OrgLog
    let revisions = Revisions(changes: Signal())
    let people: People
    let desk: PolicyStore

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("desk-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com"))
        try self.init(folder: folder, key: key, seconds: Seconds())
    }

    private init(folder: URL, key: CoordinatorKey, seconds: Seconds) throws {
        self.folder = folder
        self.seconds = seconds
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        log = OrgLog(key: key)
        let clock = MachineClock(wall: { Int64(seconds.value.withLock { $0 }) * 1_000_000 }, boot: { 0 })
        people = People(database: database, log: log, revisions: revisions, clock: clock)
        desk = PolicyStore(database: database, log: log, revisions: revisions, clock: clock, people: people)
    }

    var now: Int { seconds.value.withLock { $0 } }

    func pass(_ count: Int) { seconds.value.withLock { $0 += count } }

    /// The same after an end and a start of the program.
    func reopened() throws -> Desk {
        try database.close()
        return try Desk(folder: folder, key: log.key, seconds: seconds)
    }

    /// A person of this role.
    func caller(_ role: Role) async throws -> Caller { try await database.caller(role) }

    /// The leaves of the organisation's log.
    func leaves() async throws -> [OrgLeaf] {
        let rows = try await database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try $0.blob("leaf") }
        }
        return try rows.map { try OrgLeaf(parsing: $0) }
    }

    /// The bundle in a note, as an agent reads it.
    func bundle(_ policy: AppliedPolicy) throws -> PolicyBundle {
        let note = try Note(parsing: Array(try #require(policy.note).utf8))
        let origin = log.key.names.bundle
        #expect(note.isSigned(name: origin, key: log.key.publicKey))
        return try PolicyBundle(try #require(SignedDocument.json(text: note.text, origin: origin)))
    }
}

/// The code of the problem that `body` throws; nil if it throws none.
func code<Answer>(_ body: () async throws -> Answer) async -> String? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? Refused)?.code ?? "\(error)"
    }
}
