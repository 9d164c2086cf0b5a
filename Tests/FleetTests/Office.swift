import AuditLog
import AuditSink
import Contract
import Database
import Definitions
import Foundation
import Kits
import People
import Policy
import PolicyStore
import Registry
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Fleet

/// A coordinator's domain over a real database in a folder of its own, which can be closed and opened again, with a
/// clock that tests move.
struct Office {
    private final class Seconds: Sendable {
        let value = Mutex(1_785_196_800)
    }

    private let seconds: Seconds
    let folder: URL
    let database: SQLDatabase
    let log: OrgLog
    let revisions = Revisions(changes: Signal())
    let people: People
    let registry: Registry
    let definitions: ToolDefinitions
    let desk: PolicyStore
    let fleet: Fleet

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fleet-\(UUID().uuidString)")
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
        registry = Registry(database: database, log: log, revisions: revisions, clock: clock)
        definitions = ToolDefinitions(database: database, log: log, revisions: revisions, clock: clock)
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
    }

    var now: Int { seconds.value.withLock { $0 } }

    func pass(_ count: Int) { seconds.value.withLock { $0 += count } }

    /// The same after an end and a start of the program.
    func reopened() throws -> Office {
        try database.close()
        return try Office(folder: folder, key: log.key, seconds: seconds)
    }

    /// A machine that is enrolled for this person.
    func machine(_ address: String, _ role: Role = .member) async throws -> Machine {
        let email = try #require(EmailAddress(address))
        let invitation: IssuedInvitation
        if role == .owner {
            invitation = try await people.inviteOwner(email)
        } else {
            let founder = try await machine("founder@example.com", .owner)
            let caller = try await fleet.admit(founder.sign("GET", "/", at: now)).caller
            invitation = try await people.invite(email, role: role, seconds: 60, by: caller.permit())
        }
        return try await enrol(invitation.token.proof)
    }

    /// A new machine, enrolled with the contents of an invitation.
    func enrol(_ proof: String) async throws -> Machine {
        var machine = Machine()
        let body = machine.request(proof)
        let receipt = try await fleet.enrol(machine.sign("POST", "/v1/enrolments", body: body, at: now), body: body)
        machine.id = receipt.agentID
        return machine
    }

    /// Who a machine is.
    func caller(_ machine: Machine) async throws -> Caller {
        try await fleet.admit(machine.sign("GET", "/v1/agent/bundle", at: now)).caller
    }

    /// What is new for a machine, without waiting.
    func news(
        _ machine: Machine,
        after: Int = 0,
        epoch: Int = 0,
        orgSize: Int? = nil,
        seen: String? = nil
    ) async throws -> SyncAnswer? {
        try await fleet.news(
            SyncQuestion(after: after, epoch: epoch, orgSize: orgSize, seen: seen.map { Array($0.utf8) }),
            for: try await caller(machine).machine(),
            hold: .zero
        )
    }

    /// The document in a note, as an agent reads it.
    func document(_ text: String?, origin: String) throws -> JSONValue {
        let note = try Note(parsing: Array(try #require(text).utf8))
        #expect(note.isSigned(name: origin, key: log.key.publicKey))
        return try #require(SignedDocument.json(text: note.text, origin: origin))
    }

    /// The signed state in an answer.
    func state(_ answer: SyncAnswer?) throws -> StateDocument {
        try StateDocument(document(answer?.state, origin: log.key.names.state))
    }

    /// The digest of what a note says.
    func digest(_ note: String?) throws -> Hash? { try note.map { .of(try Note(parsing: Array($0.utf8)).text) } }

    func aliases(_ answer: SyncAnswer?) throws -> [String] {
        try EntriesDocument(document(answer?.entries, origin: log.key.names.entries)).entries.map(\.alias)
    }

    func binding(_ answer: SyncAnswer?) throws -> Binding {
        try Binding(BindingDocument(document(answer?.binding, origin: log.key.names.binding)).binding)
    }

    func add(_ alias: String) async throws {
        let url = "https://\(alias).example.com/mcp"
        let entry = try RegistryEntry(alias: alias, url: url, authorization: .init(kind: .none), allowsLoopback: false)
        try await registry.add(entry, by: database.caller(.admin, "test").permit())
    }
}

/// A machine with its key, as the coordinator hears it.
struct Machine: Sendable {
    let key = SigningKey()
    var id = ""

    func request(_ token: String) -> [UInt8] {
        EnrolmentRequest(
            token: token,
            publicKey: key.publicKey.bytes,
            hostname: "desk",
            custody: "keyring",
            version: "1.0.0"
        ).json.bytes
    }

    /// A signed request, which tests then change.
    func sign(
        _ method: String,
        _ path: String,
        query: String = "",
        body: [UInt8] = [],
        audience: String = "example.com/audit",
        at now: Int
    ) throws -> SignedHead {
        let headers = try RequestSigner.sign(
            method: method,
            path: path,
            query: query,
            body: body,
            audience: audience,
            now: now,
            nonce: (0..<16).map { _ in UInt8.random(in: .min ... .max) },
            publicKey: key.publicKey.bytes,
            signature: { try key.signature(for: $0) }
        )
        func values(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }
        return SignedHead(
            method: method,
            path: path,
            query: query,
            signatureInput: values("signature-input"),
            signature: values("signature"),
            contentDigest: values("content-digest"),
            audience: values("doorward-audience")
        )
    }
}

/// The code of the problem, or the word of the refusal, that `body` throws; nil if it throws none.
func code<Answer>(_ body: () async throws -> Answer) async -> String? {
    do {
        _ = try await body()
        return nil
    } catch let refusal as SignatureRefusal {
        return refusal.rawValue
    } catch {
        return (error as? Refused)?.code ?? "\(error)"
    }
}
