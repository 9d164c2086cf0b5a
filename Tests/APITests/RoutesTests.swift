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
import TransparencyLog

@testable import API

@Suite("Resources")
struct RoutesTests {
    static let policy = Array("version: 1\nroles:\n  dev:\n    grant: [{ server: tools }]\n".utf8)

    @Test("A policy is replaced by a caller that has seen the one in force")
    func policy() async throws {
        let office = try Office()
        try await office.test { client in
            let editor = try await office.machine(.editor, client)
            let before = try await editor.send(client, "GET", "/v1/policy")
            #expect(before.status == .ok)
            let tag = try #require(before.headers[.eTag])
            func put(_ match: [String], _ body: [UInt8] = Self.policy) async throws -> TestResponse {
                var headers = HTTPFields()
                headers[values: .ifMatch] = match
                return try await editor.send(client, "PUT", "/v1/policy", body: body, headers: headers)
            }
            #expect(try (await put([])).problem().status == 428)
            // What is not a tag is never the one in force, and that is said before the file is judged.
            for wrong in ["\"x\"", "W/\(tag)", "x", "\"", "", "\"a\" \"b\"", String(tag.dropFirst().dropLast())] {
                #expect(try await put([wrong]).problem().status == 412)
                #expect(try await put([wrong], Array("frob".utf8)).problem().status == 412)
            }
            #expect(try (await put([tag, tag])).problem().status == 400)
            let refused = try await put([tag], Array("version: 1\nfrob: 1\n".utf8)).problem()
            #expect(refused.code == "policy_refused")
            #expect(FieldProblem.list(refused.members["problems"]).first?.place == "frob")

            let applied = try await put(["\"other\", \(tag)"])
            #expect(applied.status == .ok)
            #expect(try applied.json()["version"] == 1)
            #expect(try (await put([tag])).problem().status == 412)

            let after = try await editor.send(client, "GET", "/v1/policy")
            #expect(Array(buffer: after.body) == Self.policy)
            #expect(after.headers[.eTag] == applied.headers[.eTag])
            #expect(after.headers[try #require(.init("Doorward-Policy-Version"))] == "1")
            let same = try await editor.send(
                client,
                "GET",
                "/v1/policy",
                headers: [.ifNoneMatch: try #require(after.headers[.eTag])]
            )
            #expect(same.status == .notModified)
            let bad = try await editor.send(client, "GET", "/v1/policy", headers: [.ifNoneMatch: "x"]).problem()
            #expect(bad.status == 400 && bad.detail.contains("If-None-Match"))
            #expect(same.body.readableBytes == 0)
            let roles = try await editor.send(client, "GET", "/v1/roles").json()
            #expect(roles["roles"]?.array?.first?["name"] == "dev")
        }
    }

    @Test("A check says everything that is wrong and changes nothing")
    func check() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.auditor, client)
            let good = try await machine.send(client, "POST", "/v1/policy/check", body: Self.policy).json()
            #expect(good["ok"] == true && good["problems"] == [])
            #expect(good["compared_with"] == 0 && good["diff"]?.text?.contains("+ roles:") == true)
            let bad = try await machine.send(client, "POST", "/v1/policy/check", body: Array("version: 3\n".utf8))
                .json()
            #expect(bad["ok"] == false)
            #expect(bad["problems"]?.array?.isEmpty == false)
        }
    }

    @Test("A waiting machine is answered as soon as there is something, and when the coordinator ends")
    func longPoll() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let counter = try #require(
                try await machine.send(client, "GET", "/v1/agent/bundle?after=0").json().syncCounter
            )
            let target = "/v1/agent/bundle?after=\(counter)"
            async let news = machine.send(client, "GET", target)
            let entry = try RegistryEntry(
                alias: "tools",
                url: "https://x.example/mcp",
                authorization: .init(kind: .none),
                allowsLoopback: false
            )
            #expect(try await machine.send(client, "POST", "/v1/servers", body: entry.json.bytes).status == .created)
            let answer = try await news
            #expect(answer.status == .ok)
            let next = try #require(try answer.json().syncCounter)
            #expect(next > counter)
            async let nothing = machine.send(client, "GET", "/v1/agent/bundle?after=\(next)")
            office.changes.close()
            #expect(try await nothing.status == .noContent)
        }
    }

    @Test("A token is shown once")
    func tokens() async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let token = try await office.token(["read", "metrics"], machine, client)
            let listed = try await machine.send(client, "GET", "/v1/tokens")
            #expect(!String(buffer: listed.body).contains(token.suffix(20)))
            let name = try #require(try listed.json()["tokens"]?.array?.first?["name"]?.text)
            let bearer: HTTPFields = [.authorization: "bearer \(token)"]
            #expect(try await client.send("GET", "/v1/servers", headers: bearer).status == .ok)
            let wide: HTTPFields = [.authorization: "Bearer   \(token)"]
            #expect(try await client.send("GET", "/v1/servers", headers: wide).status == .ok)
            let two: HTTPFields = [.authorization: "Bearer \(token) \(token)"]
            #expect(try await client.send("GET", "/v1/servers", headers: two).status == .unauthorized)
            #expect(try await machine.send(client, "DELETE", "/v1/tokens/\(name)").status == .ok)
            #expect(try await client.send("GET", "/v1/servers", headers: bearer).status == .unauthorized)
        }
    }

    @Test("Who it is, is signed by the key that it names")
    func identity() async throws {
        let office = try Office()
        try await office.test { client in
            let answer = try await client.send("GET", "/v1/identity").json()
            #expect(answer["origin"]?.text == Office.origin)
            #expect(answer["key"]?.text == office.domain.log.key.publicKey.base64URL)
            #expect(answer["org_checkpoint"]?.text?.hasPrefix("\(Office.origin)\n") == true)
        }
    }
}
