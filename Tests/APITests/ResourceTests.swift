import Contract
import Database
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import People
import Rights
import StrictJSON
import Testing

@testable import API

@Suite("Pages, tags and keys")
struct ResourceTests {
    private static func key(_ value: String) -> HTTPFields { [IdempotencyKey.header: value] }

    private static let invitation = Array(#"{"email":"ann@office.example"}"#.utf8)

    // MARK: Pages

    @Test("Lists come in pages of the size that is asked for, and the last says that it is")
    func pages() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            for number in 0..<5 {
                let body = Array(#"{"name":"t\#(number)","scopes":["read"]}"#.utf8)
                #expect(try await owner.send(client, "POST", "/v1/tokens", body: body).status == .created)
                let group = Array(#"{"members":["g\#(number)@office.example"]}"#.utf8)
                #expect(try await owner.send(client, "PUT", "/v1/groups/g\(number)", body: group).status == .ok)
            }
            for (path, list, name) in [("/v1/tokens", "tokens", "name"), ("/v1/groups", "groups", "name")]
                as [(String, JSONText, JSONText)]
            {
                var (seen, cursor) = ([String](), String?.none)
                repeat {
                    let query = "?limit=2" + (cursor.map { "&cursor=\($0)" } ?? "")
                    let page = try await owner.send(client, "GET", path + query).json()
                    let items = try #require(page[list]?.array)
                    #expect(items.count == 2 || page["next"] == .null)
                    seen += items.compactMap { $0[name]?.text }
                    cursor = page["next"]?.text
                } while cursor != nil
                #expect(seen == (0..<5).map { list == "tokens" ? "t\($0)" : "g\($0)" })
            }
        }
    }

    @Test(
        "A page that cannot be is refused",
        arguments: [
            "limit=0", "limit=1001", "limit=x", "limit=-1", "cursor=", "cursor=x", "cursor=W10", "cursor=WzEsMl0",
            "cursor=eyJhIjoxfQ", "role=god", "locked=maybe", "other=1", "limit=1&limit=1",
        ]
    )
    func refusedPages(query: String) async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            #expect(try await owner.send(client, "GET", "/v1/users?\(query)").problem().status == 400)
        }
    }

    @Test("People and machines are found by what they are")
    func filters() async throws {
        let office = try Office()
        try await office.test { client in
            let (owner, admin) = (try await office.machine(.owner, client), try await office.machine(.admin, client))
            func emails(_ query: String) async throws -> [String] {
                let users = try await owner.send(client, "GET", "/v1/users?\(query)").json()["users"]?.array
                return try #require(users).compactMap { $0["email"]?.text }
            }
            #expect(try await emails("role=admin") == ["admin@office.example"])
            #expect(try await emails("email=OWNER@") == ["owner@office.example"])
            #expect(try await emails("locked=true").isEmpty)
            let lock = Array(#"{"why":"test"}"#.utf8)
            #expect(
                try await owner.send(client, "PUT", "/v1/users/admin@office.example/lock", body: lock).status == .ok
            )
            #expect(try await emails("locked=true") == ["admin@office.example"])
            #expect(try await admin.send(client, "GET", "/v1/users").problem().code == "locked")
            let agents = try await owner.send(client, "GET", "/v1/agents?locked=true&presence=online").json()
            #expect(agents["agents"]?.array?.compactMap { $0["agent_id"]?.text } == [admin.agentID])
            #expect(try await owner.send(client, "DELETE", "/v1/users/admin@office.example/lock").status == .ok)
            #expect(try await admin.send(client, "GET", "/v1/users").status == .ok)
        }
    }

    // MARK: Tags

    @Test("What somebody has changed meanwhile is not changed")
    func tags() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            _ = try await office.machine(.member, client)
            let path = "/v1/users/member@office.example"
            let tag = try #require(try await owner.send(client, "GET", path).headers[.eTag])
            let listed = try await owner.send(client, "GET", "/v1/users?role=member").json()["users"]?.array?.first
            #expect(listed?["etag"]?.text == tag)
            func put(_ role: String, _ match: String?) async throws -> TestResponse {
                let headers: HTTPFields = match.map { [.ifMatch: $0] } ?? [:]
                return try await owner.send(
                    client,
                    "PUT",
                    path,
                    body: Array(#"{"role":"\#(role)"}"#.utf8),
                    headers: headers
                )
            }
            let changed = try await put("auditor", tag)
            #expect(changed.status == .ok && changed.headers[.eTag] != tag)
            for stale in [tag, "\"x\"", "x", ""] { #expect(try await put("editor", stale).problem().status == 412) }
            #expect(try await owner.send(client, "DELETE", path, headers: [.ifMatch: tag]).problem().status == 412)
            #expect(try await put("member", "*").status == .ok)
            #expect(try await put("auditor", nil).status == .ok)
        }
    }

    // MARK: Keys

    @Test("A request that comes again with its key makes nothing more, and is answered as before, secret included")
    func repetition() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let key = Self.key("0f8fad5b-d9cb-469f-a165-70867728950e")
            func invite(_ headers: HTTPFields, _ body: [UInt8] = Self.invitation) async throws -> TestResponse {
                try await owner.send(client, "POST", "/v1/invitations", body: body, headers: headers)
            }
            let first = try await invite(key)
            #expect(first.status == .created)
            let again = try await invite(key)
            #expect(again.status == .created && Array(buffer: again.body) == Array(buffer: first.body))
            #expect(again.headers[.eTag] == first.headers[.eTag])
            #expect(
                try await invite(key, Array(#"{"email":"bob@office.example"}"#.utf8)).problem().code
                    == "idempotency_mismatch"
            )
            #expect(try await invite(Self.key("0f8fad5b-d9cb-469f-a165-000000000000")).status == .created)
            for _ in 0..<2 { #expect(try await invite([:]).status == .created) }
            let listed = try await owner.send(client, "GET", "/v1/invitations?email=ann@").json()
            #expect(listed["invitations"]?.array?.count == 4)
            for bad in ["short", String(repeating: "x", count: 129), "a b c d e f g h i j", "ä23456789012345678"] {
                #expect(try await invite(Self.key(bad)).problem().status == 400)
            }
        }
    }

    @Test("A refused request leaves its key free, and a key is its caller's own")
    func keysOfOthers() async throws {
        let office = try Office()
        try await office.test { client in
            let (owner, admin) = (try await office.machine(.owner, client), try await office.machine(.admin, client))
            let key = Self.key("0123456789abcdef")
            let bad = Array(#"{"email":"nobody"}"#.utf8)
            for _ in 0..<2 {
                let refused = try await owner.send(client, "POST", "/v1/invitations", body: bad, headers: key)
                #expect(try refused.problem().code == "invalid_request")
            }
            let first = try await owner.send(client, "POST", "/v1/invitations", body: Self.invitation, headers: key)
            let other = try await admin.send(client, "POST", "/v1/invitations", body: Self.invitation, headers: key)
            #expect(first.status == .created && other.status == .created)
            #expect(try first.json()["token"] != other.json()["token"])
        }
    }

    @Test("Of many at the same time one makes something")
    func together() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        let key = Self.key("fedcba9876543210")
                        let body = Self.invitation
                        return try await owner.send(client, "POST", "/v1/invitations", body: body, headers: key).status
                            .code
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(Set(statuses).isSubset(of: [201, 409]) && statuses.contains(201))
            let listed = try await owner.send(client, "GET", "/v1/invitations?email=ann@").json()
            #expect(listed["invitations"]?.array?.count == 1)
        }
    }

    @Test("What was acted on and not answered is never acted on again")
    func lostAnswer() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let key = Self.key("0123456789abcdef")
            _ = try await owner.send(client, "POST", "/v1/invitations", body: Self.invitation, headers: key)
            // As if the coordinator had ended before it could keep the answer.
            try await office.database.write { transaction in
                try transaction.execute("UPDATE acted_on SET answer = NULL")
            }
            let again = try await owner.send(client, "POST", "/v1/invitations", body: Self.invitation, headers: key)
            #expect(try again.problem().code == "idempotency_answer_lost")
        }
    }

    @Test("No secret of a kept answer, and no key, is in the database")
    func secrets() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let body = Array(#"{"name":"ci","scopes":["read"]}"#.utf8)
            let key = "0f8fad5b-d9cb-469f-a165-70867728950e"
            let made = try await owner.send(client, "POST", "/v1/tokens", body: body, headers: Self.key(key))
            let secret = try #require(try made.json()["token"]?.text)
            let again = try await owner.send(client, "POST", "/v1/tokens", body: body, headers: Self.key(key))
            #expect(try again.json()["token"]?.text == secret)
            for file in ["coordinator.sqlite", "coordinator.sqlite-wal"] {
                let bytes = try Data(contentsOf: office.folder.appending(path: file))
                for word in [secret, String(secret.dropFirst(6)), key] {
                    #expect(bytes.range(of: Data(word.utf8)) == nil)
                }
            }
        }
    }
}
