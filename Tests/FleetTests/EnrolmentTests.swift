import AuditLog
import AuditSink
import Contract
import Database
import Dispatch
import People
import Policy
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import Fleet

@Suite("Enrolment of machines")
struct EnrolmentTests {
    private let office: Office

    init() throws {
        office = try Office()
    }

    private func invitation() async throws -> String {
        let email = try #require(EmailAddress("ann@example.com"))
        return try await office.people.inviteOwner(email).token.proof
    }

    private func enrol(_ machine: Machine, _ token: String) async throws -> EnrolmentReceipt {
        let body = machine.request(token)
        let head = try machine.sign("POST", "/v1/enrolments", body: body, at: office.now)
        return try await office.fleet.enrol(head, body: body)
    }

    @Test("A machine gets what it pins, and the proof that its key is in the log")
    func receipt() async throws {
        let machine = Machine()
        let receipt = try await enrol(machine, try await invitation())
        #expect(AgentID.isValid(receipt.agentID))
        #expect(receipt.user == "ann@example.com")
        #expect(receipt.coordinatorKey == office.log.key.publicKey.bytes)
        #expect(receipt.origin == "example.com/audit")

        let note = try Note(parsing: Array(receipt.orgCheckpoint.utf8))
        #expect(note.isSigned(name: receipt.origin, key: office.log.key.publicKey))
        let checkpoint = try Checkpoint(parsing: note.text)
        #expect(
            MerkleProof.isIncluded(
                .leaf(receipt.enrol.leaf),
                at: UInt64(receipt.enrol.index),
                size: checkpoint.size,
                root: checkpoint.root,
                proof: receipt.enrol.proof.compactMap { Hash($0) }
            )
        )
        let enrolment = OrgLeaf.KeyEnrolment(
            agent: JSONText(receipt.agentID),
            key: machine.key.publicKey.fingerprint,
            sub: JSONText(receipt.sub),
            custody: "keyring"
        )
        #expect(try OrgLeaf(parsing: receipt.enrol.leaf).body == .keyEnrol(enrolment))
        let caller = try await office.caller(machine)
        #expect(
            caller
                == Caller(
                    sub: receipt.sub,
                    email: "ann@example.com",
                    role: .owner,
                    proof: .machine(receipt.agentID),
                    isLocked: false
                )
        )
    }

    @Test("Of twenty machines with one token one gets in, and leaves one leaf")
    func race() async throws {
        let token = try await invitation()
        let office = office
        let codes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { await code { try await office.enrol(token) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count(where: { $0 == nil }) == 1)
        #expect(codes.count(where: { $0 == "token_spent" }) == 19)
        let counts = try await office.database.read { view in
            [
                try view.first("SELECT COUNT(*) AS n FROM agent")?.integer("n"),
                try view.first("SELECT COUNT(*) AS n FROM org_leaf WHERE kind = 'key.enrol'")?.integer("n"),
            ]
        }
        #expect(counts == [1, 1])
    }

    @Test("A machine that did not hear the answer hears it again; with another key the token is spent")
    func again() async throws {
        let (machine, token) = (Machine(), try await invitation())
        let first = try await enrol(machine, token)
        let second = try await enrol(machine, token)
        #expect(second.agentID == first.agentID)
        #expect(second.enrol.leaf == first.enrol.leaf)
        #expect(await code { try await enrol(Machine(), token) } == "token_spent")
        var enrolled = machine
        enrolled.id = first.agentID
        try await office.fleet.leave(try await office.caller(enrolled).machine())
        #expect(await code { try await enrol(machine, token) } == "token_spent")
    }

    @Test("A token that opens nothing is refused while another caller writes: strangers take no turn from anybody")
    func strangers() async throws {
        let token = try await invitation()
        _ = try await enrol(Machine(), token)
        let (began, gate) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
        let database = office.database
        let writing = Task {
            try await database.write { _ in
                began.continuation.finish()
                return gate.wait(timeout: .now() + 20) == .success
            }
        }
        for await _ in began.stream {}
        for bad in ["dwi1.AAAAAAAAAAAAAAAAAAAAAA", "dwi1.x", "", token] {
            #expect(await code { try await enrol(Machine(), bad) } == "token_spent")
        }
        gate.signal()
        #expect(try await writing.value, "the refusals waited for the one who wrote")
    }

    @Test("The answer is repeated for ten minutes, and never longer than the token lasts", arguments: [3600, 60])
    func repetition(life: Int) async throws {
        let founder = try await office.caller(try await office.machine("founder@example.com", .owner))
        let email = try #require(EmailAddress("ann@example.com"))
        let invitation = try await office.people.invite(email, role: .member, seconds: life, by: founder.permit())
        let (machine, token) = (Machine(), invitation.token.proof)
        let first = try await enrol(machine, token)
        office.pass(min(life, 600) - 1)
        #expect(try await enrol(machine, token).agentID == first.agentID)
        office.pass(1)
        #expect(await code { try await enrol(machine, token) } == "token_spent")
    }

    @Test("A key has one machine: with another token it gets no second")
    func sameKey() async throws {
        let machine = Machine()
        _ = try await enrol(machine, try await invitation())
        let token = try await invitation()
        #expect(await code { try await enrol(machine, token) } == "key_enrolled")
        // The token is still good for another.
        #expect(await code { try await office.enrol(token) } == nil)
    }

    @Test("A machine cannot enrol a key that it does not have, and no token is spent by trying")
    func foreign() async throws {
        let (machine, thief) = (Machine(), Machine())
        let token = try await invitation()
        let body = machine.request(token)
        let now = office.now
        let fleet = office.fleet
        let attacks: [(SignedHead, [UInt8], String)] = [
            // Signed by another key than the one in the body.
            (try thief.sign("POST", "/v1/enrolments", body: body, at: now), body, "unknown_key"),
            // The body swapped under a good signature.
            (try machine.sign("POST", "/v1/enrolments", body: [1], at: now), body, "bad_digest"),
            (try machine.sign("POST", "/v1/tokens", body: body, at: now).at("/v1/enrolments"), body, "bad_signature"),
            (try machine.sign("POST", "/v1/enrolments", body: body, at: now - 61), body, "expired"),
            (try machine.sign("POST", "/v1/enrolments", body: body, at: now + 61), body, "not_yet_valid"),
            (
                try machine.sign("POST", "/v1/enrolments", body: body, audience: "other.com/audit", at: now), body,
                "wrong_audience"
            ),
        ]
        for (head, body, word) in attacks {
            #expect(await code { try await fleet.enrol(head, body: body) } == word)
        }
        #expect(await code { try await office.enrol(token) } == nil)
    }

    @Test("A request that is malformed is refused with its member")
    func malformed() async throws {
        let (machine, token) = (Machine(), try await invitation())
        let good = try #require(try JSONValue(parsing: machine.request(token)).object)
        for (name, value) in [
            ("custody", "key ring"), ("custody", ""), ("hostname", "a\nb"), ("version", "\u{1B}[2J"), ("extra", "x"),
            ("public_key", "AAAA"),
        ] as [(JSONText, JSONValue)] {
            var object = good
            object[name] = value
            let body = JSONValue.object(object).bytes
            let head = try machine.sign("POST", "/v1/enrolments", body: body, at: office.now)
            do {
                _ = try await office.fleet.enrol(head, body: body)
                Issue.record("\(name) was taken")
            } catch let problem as Refused {
                #expect(FieldProblem.list(problem.members["problems"]).map(\.place) == [name.string])
            }
        }
    }
}

extension SignedHead {
    /// The same head with another path.
    func at(_ path: String) -> SignedHead {
        var head = self
        head.path = path
        return head
    }
}
