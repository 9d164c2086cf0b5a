import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Policy
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import People

/// A clock that tests move.
final class TestClock: Sendable {
    private let seconds = Mutex(1_785_196_800)

    var now: Int { seconds.withLock { $0 } }

    func pass(_ count: Int) { seconds.withLock { $0 += count } }

    var machine: MachineClock {
        MachineClock(wall: { Int64(self.now) * 1_000_000 }, boot: { Int64(self.now) * 1_000_000_000 })
    }
}

/// People over a real database in a folder of their own.
struct Office {
    let clock = TestClock()
    let database: SQLDatabase
    let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
    let people: People

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("people-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        people = People(
            database: database,
            log: log,
            revisions: Revisions(changes: Signal()),
            clock: clock.machine,
            authority: [0x30, 0x82]
        )
    }

    /// Uses an invitation as the machine `agent`, which it makes.
    @discardableResult
    func use(_ invitation: IssuedInvitation, as agent: String) async throws -> Person {
        let people = people
        let proof = invitation.token.proof
        return try await database.write { transaction in
            guard case .open(let invitation, let person) = try people.redeem(proof: proof, in: transaction) else {
                throw Refused.tokenSpent
            }
            let key = Hash.of(Array(agent.utf8))
            try transaction.execute(
                """
                INSERT INTO agent
                (agent_id, sub, keyid, public_key, hostname, custody, version, enrolled_at, last_seen)
                VALUES (?, ?, ?, ?, 'desk', 'keyring', '1.0.0', 0, 0)
                """,
                [.text(agent), .text(person.sub), .text("SHA256:\(key.base64URL)"), .blob(key.bytes)]
            )
            try people.spend(invitation, by: agent, in: transaction)
            return person
        }
    }

    /// A person of this role, who came in by an invitation of the coordinator or of the owner.
    func caller(_ role: Role, _ address: String? = nil) async throws -> Caller {
        let email = try #require(EmailAddress(address ?? "\(role.rawValue)@example.com"))
        let agent = "a-\(UUID().uuidString.lowercased())"
        let invitation: IssuedInvitation
        if role == .owner {
            invitation = try await people.inviteOwner(email)
        } else {
            let owner = try await caller(.owner, "founder@example.com")
            invitation = try await people.invite(email, role: role, seconds: 60, by: owner.permit())
        }
        let person = try await use(invitation, as: agent)
        return Caller(
            sub: person.sub,
            email: person.email,
            role: try #require(person.role),
            proof: .machine(agent),
            isLocked: false
        )
    }

    /// The leaves about changes.
    func changes() async throws -> [OrgLeaf.AdminChange] {
        let rows = try await database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try $0.blob("leaf") }
        }
        return try rows.map { try OrgLeaf(parsing: $0) }.compactMap { leaf in
            if case .adminChange(let change) = leaf.body { change } else { nil }
        }
    }

    /// Every value that is stored anywhere.
    func stored() async throws -> [String] {
        try await database.read { view in
            let tables = try view.rows("SELECT name FROM sqlite_schema WHERE type = 'table'").map {
                try $0.text("name")
            }
            return try tables.flatMap { table in try view.rows("SELECT * FROM \"\(table)\"").map { "\($0)" } }
        }
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
