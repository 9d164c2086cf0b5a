import AuditLog
import Bytes
import Kits
import StrictJSON
import Testing
import TransparencyLog

@testable import Contract

@Suite("The coordinator's word that a key is revoked")
struct RevocationStatementTests {
    private let coordinator = SigningKey()
    private let names = LogNames(host: "example.com")
    private let statement = RevocationStatement(
        agentID: AgentID.make(random: Array(0..<10)),
        key: SigningKey().publicKey.fingerprint,
        time: UTCTime(seconds: 1_785_196_800)
    )

    private func verified(
        _ problem: Problem,
        by key: SigningKey? = nil,
        host: String = "example.com",
        agent: String? = nil,
        fingerprint: String? = nil
    ) -> RevocationStatement? {
        RevocationStatement.verified(
            in: problem,
            by: (key ?? coordinator).publicKey,
            names: LogNames(host: host),
            agentID: agent ?? statement.agentID,
            key: fingerprint ?? statement.key
        )
    }

    @Test("It comes back out of the problem that carries it, over the wire as well")
    func carried() throws {
        let problem = Problem(sent: try statement.refusal(signedBy: coordinator, names: names))
        #expect(problem.code == "revoked_key")
        #expect(verified(problem) == statement)
        let sent = try JSONValue(parsing: problem.json.bytes)
        #expect(sent["statement"]?.text?.hasPrefix("example.com/revocation\n") == true)
        #expect(verified(try #require(Problem(sent))) == statement)
    }

    @Test("It counts for this machine with this key alone, and from this coordinator alone")
    func others() throws {
        let problem = Problem(sent: try statement.refusal(signedBy: coordinator, names: names))
        #expect(verified(problem, by: SigningKey()) == nil)
        #expect(verified(problem, host: "example.org") == nil)
        #expect(verified(problem, agent: AgentID.make(random: Array(1..<11))) == nil)
        #expect(verified(problem, fingerprint: SigningKey().publicKey.fingerprint) == nil)
        let forged = Problem(sent: try statement.refusal(signedBy: SigningKey(), names: names))
        #expect(verified(forged) == nil)
    }

    @Test("A status without it, or with something else in its place, says nothing")
    func without() throws {
        let problem = Problem(sent: try statement.refusal(signedBy: coordinator, names: names))
        let note = try #require(problem.members["statement"]?.text)
        let later = RevocationStatement(agentID: statement.agentID, key: statement.key, time: UTCTime(seconds: 9))
        // What the same key has signed for another purpose, though it reads alike.
        let text = try SignedDocument.text(statement.json, origin: names.binding)
        let foreign = try [names.binding, names.revocation].map { name in
            String(decoding: try Note.sign(text, name: name, key: coordinator).bytes, as: UTF8.self)
        }
        let wrong: [JSONValue?] = [
            nil, .null, 1, "", .text(String(note.dropLast())), .text(note + "\n"),
            .text(note.replacing(statement.time.text, with: later.time.text)), .text(foreign[0]),
            .text(foreign[1]),
            .text(note.replacing("example.com/revocation", with: "example.com/binding")),
            .text(String(repeating: "a", count: 5000)),
        ]
        for value in wrong {
            var other = problem
            other.members["statement"] = value
            #expect(verified(other) == nil, "\(value?.json ?? "nothing")")
        }
        // The statement does not make another problem one of revocation.
        let unknown = Problem("unknown_key", status: 401, title: "t", detail: "d", members: problem.members)
        #expect(verified(unknown) == nil)
    }

    @Test("A document of another form is refused")
    func forms() throws {
        #expect(try RevocationStatement(statement.json) == statement)
        for (name, value) in [
            ("v", 2), ("kind", "binding"), ("agent", "a-1"), ("time", "2026-11-22T11:35:50Z"), ("more", 1),
        ] as [(JSONText, JSONValue)] {
            var object = try #require(statement.json.object)
            object[name] = value
            #expect(throws: ShapeError.self) { try RevocationStatement(.object(object)) }
        }
    }
}
