import AuditLog
import AuditSink
import Database
import Foundation
import Kits
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

/// A coordinator's sink over a real database in a folder of its own, which can be closed and opened again.
struct Sink {
    /// 2026-07-28T00:00:00Z: the time of the tests' clocks.
    static let noon = SinkAgent.noon

    let folder: URL
    let database: SQLDatabase
    let log: OrgLog
    let intake: AgentLogIntake
    let reports: Reports
    var logs: AgentLogs { AgentLogs(database: database) }
    var key: CoordinatorKey { log.key }
    var path: String { Self.path(in: folder) }

    init(
        folder: URL? = nil,
        key: CoordinatorKey = CoordinatorKey(signing: SigningKey(), names: LogNames(host: "audit.example.com"))
    ) throws {
        let folder =
            folder ?? FileManager.default.temporaryDirectory.appendingPathComponent("sink-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.folder = folder
        database = try SQLDatabase(path: Self.path(in: folder))
        log = OrgLog(key: key)
        let clock = MachineClock(wall: { Sink.noon }, boot: { 0 })
        intake = AgentLogIntake(database: database, log: log, clock: clock)
        reports = Reports(database: database, log: log, clock: clock, folder: folder.path)
    }

    static func path(in folder: URL) -> String {
        folder.appendingPathComponent("coordinator.sqlite").path
    }

    /// The same after an end and a start of the program.
    func reopened() throws -> Sink {
        try database.close()
        return try Sink(folder: folder, key: key)
    }

    /// Uploads what the agent has beyond `old`.
    func store(_ agent: SinkAgent, from old: Int = 0, to size: Int? = nil) async throws {
        _ = try await intake.take(try agent.upload(from: old, to: size), from: agent.id)
    }

    /// Finishes what an earlier release has left.
    func finishSearch() async throws {
        while try await SearchBacklog(database: database).step() > 0 {}
    }

    /// Makes the database one of the release before uploads were stored with what finds them, which has come so far, and
    /// opens it again.
    func ofEarlierRelease(searchedThrough batch: Int) async throws -> Sink {
        try await database.write { transaction in
            for sql in [
                "DROP TABLE search_backlog",
                "DELETE FROM grdb_migrations WHERE identifier = '0009-search'",
                """
                CREATE TABLE search_progress (
                    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
                    through INTEGER NOT NULL
                ) STRICT
                """,
                "INSERT INTO search_progress (id, through) VALUES (1, \(batch))",
                "DELETE FROM search_time WHERE batch > \(batch)",
                "DELETE FROM search_server WHERE batch > \(batch)",
            ] { try transaction.execute(sql) }
        }
        return try reopened()
    }

    func remove() {
        try? database.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A new agent of a person of its own.
    func enrol(_ name: String) async throws -> SinkAgent {
        let agent = SinkAgent(name, names: key.names)
        let (id, sub, keyID) = (agent.id, agent.sub, agent.key.publicKey.fingerprint)
        let publicKey = agent.key.publicKey.bytes
        try await database.write { [log] transaction in
            try transaction.execute(
                "INSERT INTO person (sub, email, role, created_at) VALUES (?, ?, 'member', 0)",
                [.text(sub), .text("\(name)@example.com")]
            )
            try transaction.execute(
                """
                INSERT INTO agent
                (agent_id, sub, keyid, public_key, hostname, custody, version, enrolled_at, last_seen)
                VALUES (?, ?, ?, ?, 'desk', 'keyring', '1.0.0', 0, 0)
                """,
                [.text(id), .text(sub), .text(keyID), .blob(publicKey)]
            )
            let enrolment = OrgLeaf.KeyEnrolment(
                agent: .init(id),
                key: keyID,
                sub: .init(sub),
                custody: "keyring"
            )
            try log.append(.keyEnrol(enrolment), at: Sink.noon, in: transaction)
        }
        return agent
    }

    /// A permit of an owner.
    func permit<Kind>(_ name: String? = nil) async throws -> Permit<Kind> {
        try await database.caller(.owner, name).permit()
    }

    /// All records of an agent as they are stored, in their order.
    func records(of agent: SinkAgent) async throws -> [[UInt8]] {
        let id = agent.id
        return try await database.read { view in
            let rows = try view.rows(
                "SELECT records FROM agent_batch WHERE agent_id = ? ORDER BY next",
                [.text(id)]
            )
            return try rows.flatMap { try $0.blob("records").split(separator: 10).map(Array.init) }
        }
    }

    func count(_ table: String) async throws -> Int {
        try await database.read { view in try view.first("SELECT COUNT(*) AS n FROM \(table)")?.integer("n") ?? 0 }
    }
}
