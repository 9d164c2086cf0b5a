import AuditLog
import AuditSink
import Contract
import Database
import Definitions
import Fetch
import Fleet
import Foundation
import Kits
import People
import PolicyStore
import Registry
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Console

/// A coordinator's domain on a database of its own, with the console over it.
struct House {
    static let now = SinkAgent.noon

    let folder: URL
    let database: SQLDatabase
    let log: OrgLog
    let registry: Registry
    let definitions: ToolDefinitions
    let people: People
    let desk: PolicyStore
    let fleet: Fleet
    let jobs: ReportJobs
    let console: WebConsole

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("house-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("coordinator.sqlite").path)
        log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "house.example")))
        let clock = MachineClock(wall: { House.now }, boot: { 0 })
        let revisions = Revisions(changes: Signal())
        registry = Registry(database: database, log: log, revisions: revisions, clock: clock)
        definitions = ToolDefinitions(database: database, log: log, revisions: revisions, clock: clock)
        people = People(database: database, log: log, revisions: revisions, clock: clock)
        desk = PolicyStore(database: database, log: log, revisions: revisions, clock: clock, people: people)
        fleet = Fleet(
            database: database,
            log: log,
            revisions: revisions,
            clock: clock,
            people: people,
            registry: registry,
            definitions: definitions,
            desk: desk
        )
        jobs = ReportJobs(
            reports: Reports(database: database, log: log, clock: clock, folder: folder.path),
            clock: clock
        )
        console = WebConsole(
            measures: Measures(database: database, clock: clock),
            records: RecordLog(database: database, log: log),
            jobs: jobs,
            changes: ChangeLog(database: database, log: log),
            registry: registry,
            upstreams: Upstreams(
                registry: registry,
                fetcher: Fetcher(),
                credentials: UpstreamCredentials(folder: folder.path)
            ),
            definitions: definitions,
            people: people,
            desk: desk,
            fleet: fleet,
            settings: CoordinatorSettings([
                .init("coordinator", "This coordinator", [.init("url", "Address", "https://house.example")])
            ])
        )
    }

    func remove() {
        try? database.close()
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: Visiting

    /// A person of this role in a browser.
    func person(_ role: Role, isRecent: Bool = true) async throws -> Caller {
        let caller = try await database.caller(role)
        let id = "s-\(role.rawValue)"
        try await database.write { transaction in
            try transaction.execute(
                """
                INSERT INTO browser_session
                    (id, secret_hash, csrf, sub, how, opened_at, signed_in_at, used_at, expires_at)
                VALUES (?, ?, ?, ?, 'link', 0, 0, 0, ?) ON CONFLICT DO NOTHING
                """,
                [
                    .text(id), .blob(Hash.of(Array(id.utf8)).bytes), .blob(Hash.of([1]).bytes), .text(caller.sub),
                    .integer(Int(Self.now / 1_000_000) + 3600),
                ]
            )
        }
        return Caller(
            sub: caller.sub,
            email: caller.email,
            role: role,
            proof: .session(id: id, isRecent: isRecent),
            isLocked: false
        )
    }

    /// What a page answers; the path may have a query.
    func open(
        _ path: String,
        as caller: Caller,
        _ method: String = "GET",
        form: [String: String] = [:]
    ) async throws -> PageAnswer {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        let query = parts.count > 1 ? FormFields.decode(parts[1]) : [:]
        for page in console.pages where page.method == method {
            guard let parameters = Self.parameters(parts[0], of: page.path) else { continue }
            #expect(page.query.isSuperset(of: query.keys), "\(page.path) does not know \(query.keys)")
            let visit = Visit(
                caller: caller,
                csrf: "the-proof",
                parameters: parameters,
                query: query,
                form: form,
                now: Int(Self.now / 1_000_000)
            )
            return try await page.answer(visit)
        }
        throw NoSuchPage(path: path)
    }

    struct NoSuchPage: Error {
        let path: String
    }

    /// The HTML of a page.
    func html(_ path: String, as caller: Caller) async throws -> String {
        guard case .html(let text) = try await open(path, as: caller).content else { return "" }
        return text
    }

    private static func parameters(_ path: String, of pattern: String) -> [String]? {
        let (asked, segments) = (path.split(separator: "/"), pattern.split(separator: "/"))
        guard asked.count == segments.count else { return nil }
        var parameters: [String] = []
        for (one, segment) in zip(asked, segments) {
            if segment.hasPrefix("{") {
                parameters.append(one.removingPercentEncoding ?? String(one))
            } else if one != segment {
                return nil
            }
        }
        return parameters
    }
}

/// The fields of a query.
enum FormFields {
    static func decode(_ query: String) -> [String: String] {
        var fields: [String: String] = [:]
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            fields[String(pair[0])] = String(pair[1]).removingPercentEncoding
        }
        return fields
    }
}
