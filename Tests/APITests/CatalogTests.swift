import Contract
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Rights
import StrictJSON
import Testing

@testable import API

@Suite("The official Registry API")
struct CatalogTests {
    private static let policy = """
        version: 1
        roles:
          dev: { grant: [ { server: weather } ] }
          all: { grant: [ { server: open } ] }
        bind: [ { user: member@office.example, role: dev }, { everyone: true, role: all } ]
        """

    private func server(_ alias: String, version: String = "1.0.0") -> JSONValue {
        [
            "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
            "name": .text("com.example/\(alias)"), "description": .text("What \(alias) is for"),
            "version": .text(version), "icons": [["src": "https://example.com/icon.png"]],
            "remotes": [["type": "streamable-http", "url": .text("https://\(alias).example.com/secret-path")]],
            "_meta": ["dev.doorward/entry": ["alias": .text(alias)]],
        ]
    }

    /// An office with three servers and a policy; runs `body` with an owner and a member.
    private func office(
        _ body: @Sendable @escaping (any TestClientProtocol, _ owner: Machine, _ member: Machine) async throws -> Void
    ) async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let member = try await office.machine(.member, client)
            for alias in ["weather", "open", "closed"] {
                let answer = try await owner.send(client, "POST", "/v1/servers", body: server(alias).bytes)
                try #require(answer.status == .created)
            }
            let policy = try await owner.send(
                client,
                "PUT",
                "/v1/policy",
                body: Array(Self.policy.utf8),
                headers: [.ifMatch: "*", .contentType: "application/yaml"]
            )
            try #require(policy.status == .ok, "\(String(buffer: policy.body))")
            try await body(client, owner, member)
        }
    }

    private func names(_ answer: TestResponse) throws -> [String] {
        let json = try answer.json()
        let servers = json["servers"]?.array ?? []
        #expect(json["metadata"]?["count"]?.int == servers.count)
        return servers.compactMap { $0["server"]?["name"]?.text }
    }

    /// Makes the API public, or not.
    private func publish(_ isPublic: Bool, _ owner: Machine, _ client: any TestClientProtocol) async throws {
        let tag = try await owner.send(client, "GET", "/v1/settings/registry").headers[.eTag]
        let answer = try await owner.send(
            client,
            "PUT",
            "/v1/settings/registry",
            body: JSONValue.object(["public": .bool(isPublic)]).bytes,
            headers: [.ifMatch: try #require(tag)]
        )
        #expect(answer.status == .ok)
    }

    @Test("People see the servers that they have a grant for, at the address of their own agent")
    func member() async throws {
        try await office { client, owner, member in
            let answer = try await member.send(client, "GET", "/v0.1/servers")
            #expect(answer.status == .ok)
            #expect(try names(answer) == ["com.example/open", "com.example/weather"])
            let text = String(buffer: answer.body)
            // Neither where the server is, nor our settings.
            #expect(!text.contains("secret-path") && !text.contains("dev.doorward"))
            let first = try #require(try answer.json()["servers"]?.array?.last)
            let remote = try #require(first["server"]?["remotes"]?.array?.first)
            #expect(remote["url"] == "http://127.0.0.1:7717/servers/weather/mcp")
            #expect(remote["headers"]?.array?.first?["name"] == "Authorization")
            #expect(first["server"]?["$schema"] == nil)
            #expect(first["server"]?["icons"] == [["src": "https://example.com/icon.png"]])
            let official = first["_meta"]?["io.modelcontextprotocol.registry/official"]
            #expect(official?["status"] == "active" && official?["isLatest"] == true)
            #expect(official?["publishedAt"]?.text?.hasSuffix("Z") == true)
            // What one may not use is not there, by whatever name.
            for path in ["com.example%2Fclosed/versions", "com.example%2fclosed/versions/latest", "x%2Fy/versions"] {
                let answer = try await member.send(client, "GET", "/v0.1/servers/\(path)")
                #expect(try answer.problem().code == "not_in_catalog")
            }
            let all = try await owner.send(client, "GET", "/v0.1/servers")
            #expect(try names(all).count == 3)
            let source = try all.json()["servers"]?.array?.first?["_meta"]?["dev.doorward/server"]
            #expect(source?["remotes"]?.array?.first?["url"] == "https://closed.example.com/secret-path")
        }
    }

    @Test("Nobody is answered without a proof, unless it is public: then what everybody has, and no more")
    func anonymous() async throws {
        try await office { client, owner, _ in
            let paths = ["/v0.1/servers", "/v0.1/servers/com.example%2Fopen/versions/latest"]
            for path in paths {
                #expect(try await client.send("GET", path).status == .unauthorized)
            }
            try await publish(true, owner, client)
            #expect(try names(try await client.send("GET", "/v0.1/servers")) == ["com.example/open"])
            #expect(try await client.send("GET", paths[1]).status == .ok)
            let hidden = try await client.send("GET", "/v0.1/servers/com.example%2Fweather/versions")
            #expect(hidden.status == .notFound)
            // A proof that is none is not the same as no proof.
            let bad = try await client.send("GET", paths[0], headers: [.authorization: "Bearer nothing"])
            #expect(bad.status == .unauthorized)
            try await publish(false, owner, client)
            #expect(try await client.send("GET", "/v0.1/servers").status == .unauthorized)
        }
    }

    @Test("Pages of any origin may read what it answers, refusals too, and no other operation")
    func crossOrigin() async throws {
        try await office { client, owner, _ in
            let paths = [
                "/v0.1/servers", "/v0.1/servers/com.example%2Fopen/versions",
                "/v0.1/servers/com.example%2Fopen/versions/latest",
            ]
            for path in paths {
                let asked = try await client.send(
                    "OPTIONS",
                    path,
                    headers: [.origin: "https://evil.example", .accessControlRequestMethod: "GET"]
                )
                #expect(asked.status == .noContent)
                for answer in [asked, try await client.send("GET", path), try await owner.send(client, "GET", path)] {
                    #expect(answer.headers[.accessControlAllowOrigin] == "*")
                    #expect(answer.headers[.accessControlAllowMethods] == "GET, OPTIONS")
                    #expect(answer.headers[.accessControlAllowHeaders] == "Authorization, Content-Type")
                    // With credentials a session of the console would be readable by any page.
                    #expect(answer.headers[.accessControlAllowCredentials] == nil)
                }
                #expect(try await client.send("POST", path).status == .methodNotAllowed)
            }
            let other = try await owner.send(client, "GET", "/v1/servers")
            #expect(other.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test("Pages, search, versions and what has gone, as the official API has them")
    func queries() async throws {
        try await office { client, owner, _ in
            func ask(_ query: String) async throws -> TestResponse {
                try await owner.send(client, "GET", "/v0.1/servers\(query)")
            }
            let first = try await ask("?limit=2&unknown=x&sort=name")
            #expect(try names(first) == ["com.example/closed", "com.example/open"])
            let cursor = try #require(try first.json()["metadata"]?["nextCursor"]?.text)
            let second = try await ask("?limit=2&cursor=\(cursor)")
            #expect(try names(second) == ["com.example/weather"])
            #expect(try second.json()["metadata"]?["nextCursor"] == nil)
            #expect(try names(try await ask("?search=WEATH")) == ["com.example/weather"])
            #expect(try names(try await ask("?search=com.example%2Fopen")) == ["com.example/open"])
            // A later version, and an earlier one that is still known.
            let entry = server("weather", version: "2.0.0")
            let changed = try await owner.send(
                client,
                "PUT",
                "/v1/servers/weather",
                body: entry.bytes,
                headers: [.ifMatch: "*"]
            )
            #expect(changed.status == .ok)
            #expect(try names(try await ask("")).count == 4)
            #expect(try names(try await ask("?version=latest")).count == 3)
            #expect(try names(try await ask("?version=2.0.0")) == ["com.example/weather"])
            let path = "/v0.1/servers/com.example%2Fweather/versions"
            let versions = try await owner.send(client, "GET", path).json()["servers"]?.array ?? []
            #expect(versions.compactMap { $0["server"]?["version"]?.text } == ["2.0.0", "1.0.0"])
            let latest = try await owner.send(client, "GET", "\(path)/latest").json()
            #expect(latest["server"]?["version"] == "2.0.0")
            let official = "io.modelcontextprotocol.registry/official" as JSONText
            #expect(
                try await owner.send(client, "GET", "\(path)/1.0.0").json()["_meta"]?[official]?["isLatest"] == false
            )
            // What has gone is only shown to those who ask for it, or for what has changed.
            _ = try await owner.send(client, "DELETE", "/v1/servers/weather")
            #expect(try names(try await ask("")) == ["com.example/closed", "com.example/open"])
            #expect(try names(try await ask("?include_deleted=true")).count == 4)
            #expect(try names(try await ask("?updated_since=2020-01-01T00:00:00Z")).count == 4)
            #expect(try names(try await ask("?updated_since=2999-01-01T00:00:00.000Z")) == [])
            #expect(try await owner.send(client, "GET", "\(path)/2.0.0").status == .notFound)
            let gone = try await owner.send(client, "GET", "\(path)/2.0.0?include_deleted=true").json()
            #expect(gone["_meta"]?[official]?["status"] == "deleted")
            for query in ["?limit=0", "?limit=x", "?cursor=x", "?updated_since=yesterday", "?include_deleted=1"] {
                #expect(try await ask(query).status == .badRequest, "\(query)")
            }
        }
    }

    @Test("Two servers of one name are two, and neither hides the other")
    func collision() async throws {
        try await office { client, owner, _ in
            guard case .object(var twin) = server("twin") else { return }
            twin["name"] = "COM.example/open"
            _ = try await owner.send(client, "POST", "/v1/servers", body: JSONValue.object(twin).bytes)
            let all = try names(try await owner.send(client, "GET", "/v0.1/servers"))
            #expect(
                Set(all) == ["com.example/closed", "com.example/open", "com.example/weather", "local.doorward/twin"]
            )
            let other = try await owner.send(client, "GET", "/v0.1/servers/COM.example%2Fopen/versions")
            #expect(other.status == .notFound)
        }
    }
}
