import AuditLog
import AuditSink
import Contract
import Database
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import People
import Policy
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import API

/// A coordinator on a database of its own, with a person of each role and a machine for each of them.
final class Office: Sendable {
    static let origin = "office.example/audit"

    let folder: URL
    let database: SQLDatabase
    let domain: Domain
    let changes = Signal()
    let metrics = MetricsRegistry()
    let api: CoordinatorAPI

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "office-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appending(path: "coordinator.sqlite").path)
        domain = Domain(
            database: database,
            key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "office.example")),
            revisions: Revisions(changes: changes),
            clock: .system,
            authority: nil,
            folder: folder.path
        )
        let door = BrowserDoor(origin: "https://office.example", isBehindProxy: false)
        api = CoordinatorAPI(domain, metrics: metrics, clock: .system, door: door, isStrictTransport: true)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(at: folder)
    }

    var operations: [API.Operation] { api.responder.routes.operations }

    var application: some ApplicationProtocol {
        Application(responder: api.responder, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` with a client that calls the responder without a network.
    func test<Value: Sendable>(_ body: @Sendable (any TestClientProtocol) async throws -> Value) async throws -> Value {
        try await application.test(.router) { client in try await body(client) }
    }

    /// A machine of a person with this role.
    func machine(_ role: Role, _ client: any TestClientProtocol) async throws -> Machine {
        let email = try #require(EmailAddress("\(role.rawValue)@office.example"))
        let invitation = try await domain.people.inviteOwner(email)
        var machine = Machine()
        let answer = try await machine.send(
            client,
            "POST",
            "/v1/enrolments",
            body: machine.enrolment(token: invitation.token.proof)
        )
        try #require(answer.status == .created, "\(String(buffer: answer.body))")
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE person SET role = ? WHERE email = ?",
                [.text(role.rawValue), .text(email.text)]
            )
        }
        let receipt = try EnrolmentReceipt(try answer.json())
        machine.agentID = receipt.agentID
        machine.sub = receipt.sub
        return machine
    }

    /// A token of these scopes, made by a machine.
    func token(_ scopes: [String], _ maker: Machine, _ client: any TestClientProtocol) async throws -> String {
        let body: JSONValue = [
            "name": .text("t-\(UUID().uuidString)"), "scopes": .array(scopes.map { .text($0) }),
        ]
        let answer = try await maker.send(client, "POST", "/v1/tokens", body: body.bytes)
        try #require(answer.status == .created)
        return try #require(try answer.json()["token"]?.text)
    }
}

/// A person's computer: a key, and requests signed with it.
struct Machine: Sendable {
    let key = SigningKey()
    var agentID = ""
    var sub = ""

    func enrolment(token: String) -> [UInt8] {
        EnrolmentRequest(
            token: token,
            publicKey: key.publicKey.bytes,
            hostname: "desk",
            custody: "keyring",
            version: "0.1.0"
        ).json.bytes
    }

    /// The headers that sign a request.
    func signature(
        _ method: String,
        _ target: String,
        body: [UInt8] = [],
        audience: String = Office.origin,
        age: Int = 0,
        nonce: [UInt8] = (0..<16).map { _ in .random(in: 0...255) }
    ) throws -> HTTPFields {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let signed = try RequestSigner.sign(
            method: method,
            path: String(parts[0]),
            query: parts.count > 1 ? String(parts[1]) : "",
            body: body,
            audience: audience,
            now: Int(Date().timeIntervalSince1970) - age,
            nonce: nonce,
            publicKey: key.publicKey.bytes,
            signature: { try key.signature(for: $0) }
        )
        var headers = HTTPFields()
        for (name, value) in signed { headers[try #require(HTTPField.Name(name))] = value }
        return headers
    }

    @discardableResult
    func send(
        _ client: any TestClientProtocol,
        _ method: String,
        _ target: String,
        body: [UInt8] = [],
        headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        var all = try signature(method, target, body: body)
        all.append(contentsOf: headers)
        return try await client.send(method, target, headers: all, body: body)
    }
}

extension TestClientProtocol {
    func send(
        _ method: String,
        _ target: String,
        headers: HTTPFields = [:],
        body: [UInt8] = []
    ) async throws -> TestResponse {
        try await executeRequest(
            uri: target,
            method: try #require(HTTPRequest.Method(method)),
            headers: headers,
            body: body.isEmpty ? nil : ByteBuffer(bytes: body)
        )
    }
}

extension TestResponse {
    func json() throws -> JSONValue { try JSONValue(parsing: Array(buffer: body), limits: .reply) }

    /// The problem that this answer must be; its form is checked.
    func problem(_ place: SourceLocation = #_sourceLocation) throws -> Problem {
        #expect(headers[.contentType] == Problem.mediaType, sourceLocation: place)
        let problem = try #require(Problem(try json()), sourceLocation: place)
        #expect(problem.status == status.code, sourceLocation: place)
        #expect(!problem.title.isEmpty && !problem.detail.isEmpty, sourceLocation: place)
        #expect((headers[.wwwAuthenticate] != nil) == (status == .unauthorized), sourceLocation: place)
        return problem
    }
}

extension API.Operation {
    /// The path with something in its variable segments.
    var example: String { path.replacing(/\{[A-Za-z]+\}/, with: "x") }
}
