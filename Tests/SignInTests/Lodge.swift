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
import Synchronization
import TransparencyLog

@testable import SignIn

/// A clock that tests move.
final class HandClock: Sendable {
    private let seconds = Mutex(1_785_196_800)

    func pass(_ count: Int) { seconds.withLock { $0 += count } }

    var machine: MachineClock {
        MachineClock(
            wall: { self.seconds.withLock { Int64($0) } * 1_000_000 },
            boot: { self.seconds.withLock { Int64($0) } * 1_000_000_000 }
        )
    }
}

/// The way in, over a real database in a folder of its own.
struct Lodge {
    let clock = HandClock()
    let database: SQLDatabase
    let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
    let people: People
    let sessions: BrowserSessions
    let links: SignInLinks

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lodge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appending(path: "database.sqlite").path)
        people = People(database: database, log: log, revisions: Revisions(changes: Signal()), clock: clock.machine)
        sessions = BrowserSessions(database: database, clock: clock.machine)
        links = SignInLinks(
            database: database,
            log: log,
            people: people,
            clock: clock.machine,
            origin: "https://example.com"
        )
    }

    /// The end of a new link's path, for a person with this role.
    func link(_ role: Role = .owner) async throws -> String {
        let caller = try await database.caller(role)
        return try Self.secret(of: await links.make(for: EmailAddress(caller.email)))
    }

    static func secret(of link: SignInLink) -> String { String(link.url.split(separator: "/").last ?? "") }

    /// A browser that is signed in.
    func browser(_ role: Role = .owner) async throws -> OpenedSession {
        try await links.redeem(try await link(role), by: .of())
    }

    func changes() async throws -> [OrgLeaf.AdminChange] {
        let rows = try await database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try $0.blob("leaf") }
        }
        return try rows.map { try OrgLeaf(parsing: $0) }.compactMap { leaf in
            if case .adminChange(let change) = leaf.body { change } else { nil }
        }
    }
}

extension BrowserRequest {
    /// A request with these headers.
    static func of(_ headers: [(String, String)] = []) -> BrowserRequest {
        BrowserRequest { name in headers.filter { $0.0 == name }.map(\.1) }
    }

    /// A request with the cookie that was handed out.
    static func with(_ opened: OpenedSession) -> BrowserRequest { of([("cookie", opened.pair)]) }
}

extension OpenedSession {
    /// What the browser sends of the cookie.
    var pair: String { String(cookie.split(separator: ";")[0]) }
}

/// The code of the refusal that `body` throws; nil if it throws none.
func code<Answer>(_ body: () async throws -> Answer) async -> String? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? Refused)?.code ?? "\(error)"
    }
}
