import AuditLog
import AuditSink
import Bytes
import Contract
import Database
import People
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import Fleet

@Suite("Machines whose person has said yes in a browser")
struct CodeTests {
    private let office: Office
    private static let verifier = String(repeating: "v", count: 43)
    private static let challenge = Hash.of(Array(verifier.utf8)).base64URL

    init() throws { office = try Office() }

    /// A person in a browser.
    private func browser(_ email: String = "ann@example.com", isRecent: Bool = true) async throws -> Caller {
        let person = try await office.caller(try await office.machine(email))
        try await office.database.write { [office] transaction in
            try transaction.execute(
                """
                INSERT INTO browser_session
                    (id, secret_hash, csrf, sub, how, opened_at, signed_in_at, used_at, expires_at)
                VALUES (?, ?, ?, ?, 'provider', 0, 0, 0, ?)
                """,
                [
                    .text("s-\(email)"), .blob(Hash.of(Array(email.utf8)).bytes),
                    .blob([UInt8](repeating: 0, count: 32)),
                    .text(person.sub), .integer(office.now + 3600),
                ]
            )
        }
        return Caller(
            sub: person.sub,
            email: person.email,
            role: person.role,
            proof: .session(id: "s-\(email)", isRecent: isRecent),
            isLocked: false
        )
    }

    private func approve(_ machine: Machine, by caller: Caller) async throws -> String {
        let keyid = machine.key.publicKey.fingerprint
        return try await office.people.approve(
            EnrolmentApproval(keyid: keyid, challenge: Self.challenge),
            by: caller
        )
    }

    private func enrol(_ machine: Machine, _ code: String, verifier: String? = verifier) async throws
        -> EnrolmentReceipt
    {
        let body = EnrolmentRequest(
            token: code,
            verifier: verifier,
            publicKey: machine.key.publicKey.bytes,
            hostname: "desk",
            custody: "keyring",
            version: "1.0.0"
        ).json.bytes
        return try await office.fleet.enrol(
            machine.sign("POST", "/v1/enrolments", body: body, at: office.now),
            body: body
        )
    }

    @Test("The machine that was said yes to comes in as the person's, once")
    func enrols() async throws {
        let ann = try await browser()
        let machine = Machine()
        let code = try await approve(machine, by: ann)
        let receipt = try await enrol(machine, code)
        #expect(receipt.sub == ann.sub)
        #expect(try await office.caller(machine).sub == ann.sub)
        #expect(await self.code { try await enrol(machine, code) } == "token_spent")
    }

    private func code<Answer>(_ body: () async throws -> Answer) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? Refused)?.code ?? "\(error)"
        }
    }

    @Test("Whoever catches the code has neither the key nor the proof; and the right machine still gets in")
    func caught() async throws {
        let machine = Machine()
        let code = try await approve(machine, by: try await browser())
        #expect(await self.code { try await enrol(Machine(), code) } == "token_spent")
        for verifier in [nil, "", String(repeating: "w", count: 43), Self.challenge, String(repeating: "v", count: 42)]
        {
            #expect(await self.code { try await enrol(machine, code, verifier: verifier) } == "token_spent")
        }
        _ = try await enrol(machine, code)
    }

    @Test("It ends after two minutes, and with its person")
    func ends() async throws {
        let ann = try await browser()
        let machine = Machine()
        let late = try await approve(machine, by: ann)
        office.pass(120)
        #expect(await code { try await enrol(machine, late) } == "token_spent")
        let code = try await approve(machine, by: ann)
        try await office.database.write { transaction in
            try transaction.execute("UPDATE person SET role = NULL WHERE sub = ?", [.text(ann.sub)])
        }
        #expect(await self.code { try await enrol(machine, code) } == "token_spent")
    }

    @Test("Of a person who is locked, or whose sign-in has ended, nothing comes in")
    func locked() async throws {
        let ann = try await browser()
        let machine = Machine()
        let code = try await approve(machine, by: ann)
        try await office.database.write { transaction in
            try transaction.execute("UPDATE person SET locked_at = 1 WHERE sub = ?", [.text(ann.sub)])
        }
        #expect(await self.code { try await enrol(machine, code) } == "token_spent")
        #expect(await self.code { try await approve(Machine(), by: ann) } == "locked")
    }

    @Test("Saying yes needs a browser and a recent sign-in: a machine, a token and an old session cannot let others in")
    func recent() async throws {
        #expect(await code { try await approve(Machine(), by: try await browser(isRecent: false)) } == "sign_in_again")
        let desk = try await office.caller(try await office.machine("bob@example.com"))
        #expect(await code { try await approve(Machine(), by: desk) } == "browser_needed")
    }

    @Test("A machine that did not hear the answer is shown again, and is the same machine")
    func again() async throws {
        let ann = try await browser()
        let machine = Machine()
        let first = try await enrol(machine, try await approve(machine, by: ann))
        let second = try await enrol(machine, try await approve(machine, by: ann))
        #expect(first.agentID == second.agentID)
        // Somebody else cannot have the same key.
        let code = try await approve(machine, by: try await browser("bob@example.com"))
        #expect(await self.code { try await enrol(machine, code) } == "key_enrolled")
    }

    @Test("Whom the identity provider names is known for a day, and whom it does not name any more is shut out at once")
    func provided() async throws {
        let machine = try await office.machine("ann@example.com")
        let sub = try await office.caller(machine).sub
        try await office.database.write { [now = office.now] transaction in
            try transaction.execute(
                """
                INSERT INTO identity (issuer, subject, sub, confirmed_at, asked_at) VALUES ('https://idp', 'ann', ?, ?, ?)
                """,
                [.text(sub), .integer(now), .integer(now)]
            )
        }
        let answer = try await office.news(machine)
        let document = try BindingDocument(office.document(answer?.binding, origin: office.log.key.names.binding))
        #expect(document.expires.seconds == office.now + 86_400)
        #expect(try office.state(answer).lock == nil)

        try await office.database.write { [now = office.now, office] transaction in
            try transaction.execute("UPDATE identity SET lapsed_at = ?", [.integer(now)])
            try office.revisions.raisePerson(sub: sub, in: transaction)
        }
        let lock = try #require(try office.state(try await office.news(machine)).lock)
        #expect(lock.isLapse)
        #expect(lock.code == "sign_in_ended")
        #expect(try await office.caller(machine).isLocked)
    }

    @Test("A person has five open codes at most")
    func most() async throws {
        let ann = try await browser()
        for _ in 0..<5 { _ = try await approve(Machine(), by: ann) }
        #expect(await code { try await approve(Machine(), by: ann) } == "too_many")
    }

    @Test("The database has a hash of it alone")
    func hashed() async throws {
        let code = try await approve(Machine(), by: try await browser())
        let secret = try #require(EnrolmentCode.secret(proof: code))
        let stored = try await office.database.read { view in
            try view.first("SELECT secret_hash FROM enrolment_code")?.blob("secret_hash")
        }
        #expect(stored == Hash.of(secret).bytes)
    }
}
