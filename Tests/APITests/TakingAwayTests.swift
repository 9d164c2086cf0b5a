import AuditSink
import Contract
import Database
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOEmbedded
import People
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import API

@Suite("Taking away over the API")
struct TakingAwayTests {
    private func invite(_ machine: Machine, _ client: any TestClientProtocol, _ email: String) async throws -> JSONValue
    {
        let body: JSONValue = ["email": .text(email), "role": "member"]
        let answer = try await machine.send(client, "POST", "/v1/invitations", body: body.bytes)
        try #require(answer.status == .created)
        return try answer.json()
    }

    @Test("An invitation is taken back by its id, and listed as that")
    func invitations() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let issued = try await invite(owner, client, "ann@office.example")
            let id = try #require(issued["id"]?.text)
            let answer = try await owner.send(client, "DELETE", "/v1/invitations/\(id)")
            #expect(answer.status == .ok)
            #expect(try answer.json()["state"] == "revoked")
            let listed = try await owner.send(client, "GET", "/v1/invitations").json()["invitations"]?.array ?? []
            let shown = listed.first { $0["id"]?.text == id }
            #expect(shown?["state"] == "revoked" && shown?["made_with"] == .text(owner.agentID))
            var late = Machine()
            late.sub = "x"
            let proof = try #require(issued["token"]?.text.flatMap { EnrolmentToken($0) }).proof
            let refused = try await late.send(client, "POST", "/v1/enrolments", body: late.enrolment(token: proof))
            #expect(try refused.problem().code == "token_spent")
        }
    }

    @Test("A role is put, a person deleted, by pseudonym or address, and the answer says what went with them")
    func users() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let editor = try await office.machine(.editor, client)
            let token = try await office.token(["policy"], editor, client)
            let lowered: JSONValue = ["role": "auditor"]
            let put = try await owner.send(client, "PUT", "/v1/users/\(editor.sub)", body: lowered.bytes)
            #expect(put.status == .ok)
            #expect(try put.json()["role"] == "auditor")
            #expect(try put.json()["ended"]?["tokens"] == [])
            for body in ["{}", "{\"role\":\"god\"}", "{\"role\":\"member\",\"x\":1}", "{\"role\":null}"] {
                let refused = try await owner.send(client, "PUT", "/v1/users/\(editor.sub)", body: Array(body.utf8))
                #expect(refused.status == .unprocessableContent, "\(body)")
            }
            let gone = try await owner.send(client, "DELETE", "/v1/users/editor@office.example")
            #expect(gone.status == .ok)
            let ended = try gone.json()["ended"]
            #expect(ended?["agents"] == [.text(editor.agentID)])
            #expect(ended?["tokens"]?.array?.count == 1)
            let bearer: HTTPFields = [.authorization: "Bearer \(token)"]
            #expect(try await client.send("GET", "/v1/policy", headers: bearer).status == .unauthorized)
            let last = try await owner.send(client, "DELETE", "/v1/users/\(owner.sub)").problem()
            #expect(last.code == "last_owner" && last.status == 409)
        }
    }

    @Test("A revoked machine is answered with the signed word, at whatever it asks, and while it waits")
    func statement() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let lost = try await office.machine(.auditor, client)
            let state = try await lost.send(client, "GET", "/v1/agent/bundle?after=0")
            #expect(state.status == .ok)
            let newest = try await office.database.read { view in
                try view.first("SELECT last FROM revision")?.integer("last")
            }
            async let held = lost.send(client, "GET", "/v1/agent/bundle?after=\(try #require(newest))")
            #expect(try await owner.send(client, "DELETE", "/v1/agents/\(lost.agentID)").status == .ok)
            var answers = [try await held]
            for operation in office.operations where operation.access != .anonymous && !operation.isPage {
                answers.append(try await lost.send(client, operation.method, operation.example))
            }
            for answer in answers {
                let statement = RevocationStatement.verified(
                    in: try answer.problem(),
                    by: office.domain.log.key.publicKey,
                    names: office.domain.log.key.names,
                    agentID: lost.agentID,
                    key: lost.key.publicKey.fingerprint
                )
                #expect(statement != nil)
            }
        }
    }

    /// Requests whose bodies come late, and what they would change.
    static let slow: [(String, [UInt8])] = [
        ("/v1/invitations", Array("{\"email\":\"mallory@office.example\"}".utf8)), ("/v1/servers", Array("{}".utf8)),
        ("/v1/policy/check", RoutesTests.policy),
    ]

    @Test(
        "A request that was begun before the key was taken away, and whose body comes later, is refused",
        arguments: slow
    )
    func slowBody(path: String, body: [UInt8]) async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let thief = try await office.machine(.admin, client)
            var headers = try thief.signature("POST", path, body: body)
            headers[.contentLength] = "\(body.count)"
            let pieces = Pieces(pieces: [Array(body.dropLast()), Array(body.suffix(1))]) { number in
                guard number == 1 else { return }
                // The last byte waits until the key is gone.
                _ = try await owner.send(client, "DELETE", "/v1/agents/\(thief.agentID)")
            }
            let request = Request(
                head: HTTPRequest(
                    method: .post,
                    scheme: "https",
                    authority: "office.example",
                    path: path,
                    headerFields: headers
                ),
                body: RequestBody(asyncSequence: pieces)
            )
            let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: Logger(label: "test"))
            let response = await office.api.responder.respond(to: request, context: CallContext(source: source))
            #expect(response.status == .unauthorized)
            let invitations = try await owner.send(client, "GET", "/v1/invitations").json()["invitations"]
            #expect(invitations?.array?.contains { $0["email"] == "mallory@office.example" } == false)
        }
    }

    @Test("A query that an operation does not know is refused by every one of them, and by nothing before the proof")
    func queries() async throws {
        let office = try Office()
        try await office.test { client in
            // What others have laid down passes over what it does not know, pages are sent whatever others write, and
            // machines have no business with browsers' own operations.
            for operation in office.operations
            where !operation.isPublished && operation.query != API.Operation.foreignQuery
                && operation.access != .browser
            {
                let machine = try await office.machine(.owner, client)
                for query in ["x=1", "x", "enrolled=", "&"] {
                    let target = "\(operation.example)?\(query)"
                    let answer = try await machine.send(client, operation.method, target)
                    #expect(answer.status == .badRequest, "\(operation.method) \(target)")
                    #expect(try answer.problem().code == "bad_query")
                    let stranger = try await client.send(operation.method, target)
                    let expected = operation.access == .anonymous ? 400 : 401
                    #expect(stranger.status.code == expected, "\(operation.method) \(target)")
                }
                for name in operation.query where ["enrolled", "span", "limit"].contains(name) {
                    for query in ["\(name)=x", "\(name)=revoke&\(name)=keep", "\(name)=revoke&x=1"] {
                        let target = "\(operation.example)?\(query)"
                        let answer = try await machine.send(client, operation.method, target)
                        #expect(try answer.problem().code == "bad_query", "\(operation.method) \(target)")
                    }
                }
            }
            // A question mark alone is no query.
            #expect(try await client.send("GET", "/healthz?").status == .ok)
        }
    }

    @Test("The machines that came in are taken along where that is asked, by machine, token and person")
    func enrolled() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            func enrol(_ issued: JSONValue) async throws -> Machine {
                var machine = Machine()
                let proof = try #require(issued["token"]?.text.flatMap { EnrolmentToken($0) }).proof
                let body = machine.enrolment(token: proof)
                let answer = try await machine.send(client, "POST", "/v1/enrolments", body: body)
                machine.agentID = try EnrolmentReceipt(try answer.json()).agentID
                return machine
            }
            let admin = try await office.machine(.admin, client)
            let first = try await enrol(try await invite(admin, client, "one@office.example"))
            let kept = try await owner.send(client, "DELETE", "/v1/agents/\(admin.agentID)?enrolled=keep").json()
            #expect(kept["enrolled"]?.array?.first?["agent_id"] == .text(first.agentID))
            #expect(kept["agent_id"] == .text(admin.agentID) && kept["revoked"] == "revoked")
            let taken = try await owner.send(client, "DELETE", "/v1/agents/\(admin.agentID)?enrolled=revoke").json()
            #expect(taken["ended"]?["agents"] == [.text(first.agentID)])
            #expect(taken["enrolled"] == [])

            let body: JSONValue = ["name": "script", "scopes": ["admin"]]
            let made = try await owner.send(client, "POST", "/v1/tokens", body: body.bytes).json()
            let bearer: HTTPFields = [.authorization: "Bearer \(made["token"]?.text ?? "")"]
            let question: JSONValue = ["email": "two@office.example"]
            let issued = try await client.send("POST", "/v1/invitations", headers: bearer, body: question.bytes).json()
            let second = try await enrol(issued)
            let removed = try await owner.send(client, "DELETE", "/v1/tokens/script?enrolled=revoke").json()
            #expect(removed["name"] == "script")
            #expect(removed["ended"]?["agents"] == [.text(second.agentID)])
        }
    }
}

/// A body in pieces, each of which something happens before.
private struct Pieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let pieces: [[UInt8]]
    let before: @Sendable (Int) async throws -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        let sequence: Pieces
        var number = 0

        mutating func next() async throws -> ByteBuffer? {
            guard number < sequence.pieces.count else { return nil }
            try await sequence.before(number)
            defer { number += 1 }
            return ByteBuffer(bytes: sequence.pieces[number])
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(sequence: self) }
}
