import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Kits
import PolicyStore
import Registry
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Console

/// Text of a stranger that would be markup, a script, or a sentence of somebody else's, if a page let it.
enum Hostile {
    static let marker = "hostile"
    static let markup = #"<script src=//evil.example>hostile</script><img src=x onerror=alert(1)>"' hostile & "#
    static let hidden = "hostile\u{200B}\u{202E}\u{E0041}"
    static let text = markup + hidden
}

extension House {
    /// Lets every name that strangers choose be hostile: hosts, releases, titles, errors, tools, reasons, policies.
    func fill() async throws {
        let owner = try await database.caller(.owner)
        try await registry.add(try Self.entry("github"), by: owner.permit())
        let policy = """
            version: 1
            roles: { dev: { grant: [ { server: github, tools: ["get_*"] } ] } }
            bind: [ { everyone: true, role: dev } ]
            forbid: [ { server: github, tools: ["delete_*"], because: "hostile <b>words</b>" } ]
            """
        _ = try await desk.apply(
            Array(policy.utf8),
            expecting: .anything,
            why: ChangeReason("hostile <script>alert(1)</script>"),
            by: owner.permit()
        )
        var agent = try await enrol("ann")
        for _ in 0..<5 { agent.call("github", at: Self.now - 60_000_000) }
        agent.refuse("github", "forbidden", at: Self.now - 30_000_000)
        let intake = AgentLogIntake(database: database, log: log, clock: MachineClock(wall: { Self.now }, boot: { 0 }))
        _ = try await intake.take(try agent.upload(from: 0), from: agent.id)
        let id = agent.id
        let tool = Array(#"{"name":"\#(Hostile.marker)","description":\#(Self.quoted(Hostile.text))}"#.utf8)
        let health = HealthReport(servers: [
            .init(alias: "github", state: .down, since: "2026-07-28T00:00:00Z", error: Hostile.text)
        ])
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE agent SET hostname = ?, version = ?, custody = ?, health = ?, health_at = ? WHERE agent_id = ?",
                [
                    .text(Hostile.text), .text(Hostile.text), .text(Hostile.text), .blob(health.json.bytes),
                    .integer(Int(Self.now / 1_000_000)), .text(id),
                ]
            )
            try transaction.execute(
                """
                INSERT INTO tool_definition (server, tool, digest, definition, reported_by, reported_at)
                VALUES ('github', ?, ?, ?, ?, 0)
                """,
                [.text(Hostile.text), .blob(Hash.of(tool).bytes), .blob(tool), .text(id)]
            )
        }
    }

    static func entry(_ alias: String) throws -> RegistryEntry {
        let entry = try RegistryEntry(
            alias: alias,
            url: "https://mcp.example.com/mcp",
            authorization: .init(kind: .oauth),
            allowsLoopback: false
        )
        var document = entry.json.object ?? [:]
        document["title"] = .text("hostile <script>alert(1)</script>")
        return try Registry.entry(parsing: JSONValue.object(document).bytes)
    }

    private static func quoted(_ text: String) -> String { String(decoding: JSONValue.text(text).bytes, as: UTF8.self) }

    /// An enrolled machine of a person of its own.
    func enrol(_ name: String) async throws -> SinkAgent {
        let caller = try await database.caller(.member, name)
        let id = AgentID.make(random: Array(Hash.of(Array(name.utf8)).bytes.prefix(10)))
        let agent = SinkAgent(id: id, sub: caller.sub, names: log.key.names, key: SigningKey())
        let (key, keyID) = (agent.key.publicKey.bytes, agent.key.publicKey.fingerprint)
        try await database.write { [log] transaction in
            // The one that came with the person has no key that a leaf could name.
            try transaction.execute("DELETE FROM agent WHERE agent_id = ?", [.text("a-\(name)")])
            try transaction.execute(
                """
                INSERT INTO agent
                    (agent_id, sub, keyid, public_key, hostname, custody, version, enrolled_at, last_seen)
                VALUES (?, ?, ?, ?, 'desk', 'keyring', '1.0.0', 0, 0)
                """,
                [.text(id), .text(caller.sub), .text(keyID), .blob(key)]
            )
            let leaf = OrgLeaf.KeyEnrolment(
                agent: JSONText(id),
                key: keyID,
                sub: JSONText(caller.sub),
                custody: "keyring"
            )
            try log.append(.keyEnrol(leaf), at: Self.now, in: transaction)
        }
        return agent
    }
}
