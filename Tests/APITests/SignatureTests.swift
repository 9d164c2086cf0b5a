import AuditSink
import Contract
import Database
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import People
import Policy
import PolicyStore
import Rights
import ServiceKit
import StrictJSON
import Testing

@testable import API

@Suite("Signed requests")
struct SignatureTests {
    static let target = "/v1/agent/bundle?after=0"

    private func refusal(
        _ office: Office,
        _ body: @escaping @Sendable (Machine, any TestClientProtocol) async throws -> TestResponse
    ) async throws -> String {
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let answer = try await body(machine, client)
            #expect(answer.status == .unauthorized)
            return try answer.problem().code
        }
    }

    @Test("A signature opens once")
    func replay() async throws {
        let office = try Office()
        let code = try await refusal(office) { machine, client in
            let headers = try machine.signature("GET", Self.target)
            #expect(try await client.send("GET", Self.target, headers: headers).status == .ok)
            return try await client.send("GET", Self.target, headers: headers)
        }
        #expect(code == "replayed")
    }

    @Test("A signature opens once for two who come at the same moment, too")
    func race() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let headers = try machine.signature("GET", Self.target)
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await client.send("GET", Self.target, headers: headers).status.code }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(answers.sorted() == [200] + Array(repeating: 401, count: 7))
        }
    }

    @Test("Another body is refused, and the signature is spent all the same")
    func bodySwap() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let body = Array("{\"email\":\"bob@office.example\"}".utf8)
            let headers = try machine.signature("POST", "/v1/invitations", body: body)
            let swapped = Array("{\"email\":\"eve@office.example\"}".utf8)
            let answer = try await client.send("POST", "/v1/invitations", headers: headers, body: swapped)
            #expect(answer.status == .unauthorized)
            #expect(try answer.problem().code == "bad_digest")
            let again = try await client.send("POST", "/v1/invitations", headers: headers, body: body)
            #expect(try again.problem().code == "replayed")
            let listed = try await machine.send(client, "GET", "/v1/invitations")
            #expect(!String(buffer: listed.body).contains("eve@"))
        }
    }

    @Test(
        "A signature is for one method, one path and one query, character by character",
        arguments: [
            ("GET", "/v1/agent-log"), ("GET", "/v1/agent/bundle"), ("GET", "/v1/agent/bundle?after=1"),
            ("GET", "/v1/agent/bundle?after=0&org=0"), ("GET", "/v1/agent/bundle?after=%30"),
        ]
    )
    func elsewhere(method: String, target: String) async throws {
        let office = try Office()
        let code = try await refusal(office) { machine, client in
            try await client.send(method, target, headers: try machine.signature("GET", Self.target))
        }
        #expect(code == "bad_signature")
    }

    @Test("A signature of GET does not serve for HEAD, and an own one does")
    func head() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let headers = try machine.signature("GET", "/v1/servers")
            #expect(try await client.send("HEAD", "/v1/servers", headers: headers).status == .unauthorized)
            #expect(try await machine.send(client, "HEAD", "/v1/servers").status == .ok)
        }
    }

    @Test("An escaped path is signed as it was sent, and leads where it leads")
    func escapedPath() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let answer = try await machine.send(client, "DELETE", "/v1/tokens/a%2Db")
            #expect(try answer.problem().code == "unknown_token")
        }
    }

    @Test(
        "A header that occurs twice, or not at all, or with a comma, is refused",
        arguments: ["signature-input", "signature", "content-digest", "doorward-audience"]
    )
    func headers(name: String) async throws {
        let office = try Office()
        let field = try #require(HTTPField.Name(name))
        for change in ["twice", "gone", "joined", "other"] {
            let code = try await refusal(office) { machine, client in
                var headers = try machine.signature("GET", Self.target)
                let value = try #require(headers[field])
                switch change {
                case "twice": headers[values: field] = [value, value]
                case "gone": headers[values: field] = []
                case "joined": headers[field] = "\(value), \(value)"
                default: headers[field] = "x\(value)"
                }
                return try await client.send("GET", Self.target, headers: headers)
            }
            #expect(
                ["bad_signature", "bad_digest", "wrong_audience", "unsigned", "unknown_key"].contains(code),
                "\(change): \(code)"
            )
        }
    }

    @Test("Old, early, foreign and unknown signatures are told apart")
    func reasons() async throws {
        let office = try Office()
        #expect(
            try await refusal(office) { machine, client in
                try await client.send("GET", Self.target, headers: try machine.signature("GET", Self.target, age: 70))
            } == "expired"
        )
        #expect(
            try await refusal(office) { machine, client in
                try await client.send("GET", Self.target, headers: try machine.signature("GET", Self.target, age: -70))
            } == "not_yet_valid"
        )
        #expect(
            try await refusal(office) { machine, client in
                let headers = try machine.signature("GET", Self.target, audience: "other.example/audit")
                return try await client.send("GET", Self.target, headers: headers)
            } == "wrong_audience"
        )
        #expect(
            try await refusal(office) { _, client in try await Machine().send(client, "GET", Self.target) }
                == "unknown_key"
        )
        #expect(
            try await refusal(office) { machine, client in
                try await machine.send(client, "POST", "/v1/agent/leave")
                return try await machine.send(client, "GET", Self.target)
            } == "revoked_key"
        )
    }

    @Test("A request proves itself in one way")
    func twoProofs() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let token = try await office.token(["admin"], machine, client)
            var headers = try machine.signature("GET", "/v1/servers")
            headers[.authorization] = "Bearer \(token)"
            #expect(try (await client.send("GET", "/v1/servers", headers: headers)).problem().code == "two_proofs")
            var twice = HTTPFields()
            twice[values: .authorization] = ["Bearer \(token)", "Bearer \(token)"]
            #expect(try (await client.send("GET", "/v1/servers", headers: twice)).problem().code == "two_proofs")
        }
    }

    @Test("A machine that does not have the key cannot enrol it")
    func foreignEnrolment() async throws {
        let office = try Office()
        try await office.test { client in
            let invitation = try await office.domain.people.inviteOwner(try #require(.init("ann@office.example")))
            let machine = Machine()
            let body = machine.enrolment(token: invitation.token.proof)
            let other = try Machine().signature("POST", "/v1/enrolments", body: body)
            let answer = try await client.send("POST", "/v1/enrolments", headers: other, body: body)
            #expect(answer.status == .unauthorized)
            let unsigned = try await client.send("POST", "/v1/enrolments", body: body)
            #expect(try unsigned.problem().code == "unsigned")
            // Neither has spent the token.
            #expect(try await machine.send(client, "POST", "/v1/enrolments", body: body).status == .created)
        }
    }
}
