import AuditLog
import MCP
import Policy
import Spool
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Forwarding

extension RealSockets {
    @Suite("Calls of which more is demanded than a grant")
    struct ObligationTests {
        private static func policy(_ require: JSONValue..., signedIn: Int? = nil) throws -> PolicySnapshot {
            let rules = try PolicyRules([
                "version": 1, "roles": [["name": "all", "grant": [["server": "up"]]]], "forbid": [], "limits": [],
                "require": .array(require),
            ])
            let binding = Binding(
                sub: "sub-1",
                user: "ann@example.com",
                groups: [],
                roles: [Binding.Membership(role: "all", rule: "bind/0")],
                signedIn: signedIn
            )
            return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "digest")
        }

        private static func machine(_ contact: LastContact = LastContact(), time: Int64 = 0) -> MachineFacts {
            MachineFacts(custody: "keyring", contact: contact, signInURL: "https://door.example/sign-in") { time }
        }

        private func error(_ answer: Answer) throws -> JSONValue? {
            try JSONValue(parsing: Array(answer.body.utf8))["error"]
        }

        private func reason(_ desk: Desk, _ client: RawClient, _ tool: String = "echo") async throws -> String? {
            try await client.send(desk.call(tool))
            return try error(try await client.answer())?["data"]?["reason"]?.text
        }

        @Test("A key that is kept elsewhere, a coordinator that was not heard of in time, a sign-in that is too old")
        func machine() async throws {
            let policy = try Self.policy(
                ["tools": ["keyed"], "key_protection": ["tpm"]],
                ["tools": ["kept"], "key_protection": ["keyring"]],
                ["tools": ["online"], "online_within": "1h"],
                ["tools": ["login"], "recent_login": "1h"],
                signedIn: 1_000_000
            )
            try await withDesk({ _ in [.json(Desk.result())] }, policy: policy) { desk, upstream in
                let client = try await desk.client()
                // A machine of which nothing is known meets nothing.
                for (tool, expected) in [
                    ("keyed", "key_protection"), ("kept", "key_protection"), ("online", "online_within"),
                    ("login", "recent_login"), ("other", nil),
                ] {
                    #expect(try await reason(desk, client, tool) == expected)
                }
                let contact = LastContact()
                await desk.update { $0.machine = Self.machine(contact, time: 1_003_600_000_000) }
                #expect(try await reason(desk, client, "keyed") == "key_protection")
                #expect(try await reason(desk, client, "kept") == nil)
                #expect(try await reason(desk, client, "online") == "online_within")
                #expect(try await reason(desk, client, "login") == nil)
                let now = await desk.service.onLoop { $0.gate.now() }
                contact.heard(now: now - 3_590_000_000_000)
                #expect(try await reason(desk, client, "online") == nil)
                let late = LastContact()
                late.heard(now: now - 3_601_000_000_000)
                await desk.update { $0.machine = Self.machine(late, time: 1_003_601_000_000) }
                #expect(try await reason(desk, client, "online") == "online_within")
                try await client.send(desk.call("login"))
                let refused = try #require(try error(try await client.answer()))
                #expect(refused["code"] == -31003)
                #expect(refused["data"]?["url"] == "https://door.example/sign-in")
                #expect(refused["data"]?["rules"] == ["roles/all/grant/0", "bind/0", "require/3"])
                #expect(refused["message"]?.text?.contains("within 1 hour of a sign-in") == true)
                let records = try await desk.records()
                let denials = records.filter { $0["kind"] == "call.deny" }
                #expect(denials.allSatisfy { $0["dec"]?["is"] == "deny" })
                #expect(upstream.requests.count == records.filter { $0["kind"] == "call.begin" }.count)
            }
        }

        @Test("What is asked of no single thing, and what no rule is about, is not held up")
        func others() async throws {
            let policy = try Self.policy(["online_within": "1h"])
            try await withDesk({ _ in [.json(Desk.result())] }, policy: policy) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.ask("tools/list"))
                #expect(try error(try await client.answer())?["code"] != -31001)
                #expect(try await reason(desk, client) == "online_within")
            }
        }

        private final class Urgency: Sendable {
            let isSeen = Mutex(false)
        }

        /// Countersigns all that is recorded, as the coordinator would.
        private func countersign(_ desk: Desk) async throws {
            let last = desk.spool.counts.recorded
            if last > 0 { try await desk.spool.wait(for: last - 1) }
            var frontier = MerkleFrontier()
            for record in try await desk.spool.tail(1000) { frontier.append(record) }
            try await desk.spool.countersigned(frontier)
        }

        @Test("A strict call leaves once the coordinator has countersigned its beginning, and not before")
        func strict() async throws {
            let policy = try Self.policy(["tools": ["drop"], "audit": "strict"])
            try await withDesk({ _ in [.json(Desk.result())] }, policy: policy) { desk, upstream in
                let (client, other) = (try await desk.client(), try await desk.client())
                let urgent = Urgency()
                let observation = desk.spool.observe { event in
                    if event.isUrgent { urgent.isSeen.withLock { $0 = true } }
                }
                defer { observation.cancel() }
                try await client.send(desk.call("drop"))
                try await desk.wait { _ in desk.spool.counts.recorded == 1 && urgent.isSeen.withLock { $0 } }
                // Others are not held up by it.
                #expect(try await reason(desk, other, "look") == nil)
                #expect(upstream.requests.map(\.body).allSatisfy { $0.contains("look") })
                try await countersign(desk)
                #expect(try await client.answer().error.code == nil)
                #expect(upstream.requests.contains { $0.body.contains("drop") })
                #expect(try await desk.records().filter { $0["kind"] == "call.begin" }.count == 2)
            }
        }

        @Test("A strict call that is not countersigned in time is refused, and its record says that nothing was sent")
        func unconfirmed() async throws {
            let policy = try Self.policy(["audit": "strict"])
            var configuration = ForwardingConfiguration()
            configuration.countersigning = .milliseconds(100)
            try await withDesk({ _ in [] }, policy: policy, configuration: configuration) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("drop"))
                let refused = try #require(try error(try await client.answer()))
                #expect(refused["code"] == -31005)
                #expect(refused["data"]?["reason"] == "not_countersigned")
                let records = try await desk.records()
                #expect(records.map { $0["kind"]?.text } == ["call.begin", "call.end"])
                #expect(records[1]["out"]?["is"] == "not_sent")
                #expect(records[0]["dec"]?["rules"] == ["roles/all/grant/0", "bind/0", "require/0"])
                #expect(upstream.requests.isEmpty)
            }
        }
    }
}
