internal import AuditLog
internal import AuditSink
package import Contract
internal import Database
internal import Errors
internal import People
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

extension Fleet {
    /// The largest body of an enrolment in bytes.
    package static let largestEnrolment = 16 << 10

    /// Lets a machine in: `POST /v1/enrolments`.
    ///
    /// The request is signed by the new key itself, so a machine cannot enrol a key that it does not have. The token is
    /// spent, the machine stored and its key stated in the organisation's log in one transaction. A code that a person
    /// has said yes to in a browser is good for the very key that was shown there. A machine that did
    /// not hear the answer may ask again with the same key and token, and hears it for ten minutes, as long as the
    /// token lasts; for any other key the token is spent.
    ///
    /// - Parameters:
    ///   - head: what is signed of the request.
    ///   - body: the `EnrolmentRequest`.
    /// - Returns: what the machine pins.
    /// - Throws: `SignatureRefusal`; `Refused`: `token_spent`, `key_enrolled`, `invalid_request`.
    package func enrol(_ head: SignedHead, body: [UInt8]) async throws -> EnrolmentReceipt {
        let claim = try verifier.claim(head)
        let request = try Self.request(body)
        let now = clock.seconds
        try claim.verify(publicKey: request.publicKey, now: now)
        try claim.checkBody(body)
        if EnrolmentCode.secret(proof: request.token) != nil {
            return try await enrol(request, approved: claim, at: now)
        }
        try await database.read { view in
            guard let id = try people.look(proof: request.token, in: view) else { return }
            _ = try again(id, claim, in: view)
        }
        return try await database.write { transaction in
            try NonceStore.spend(claim, now: now, in: transaction)
            switch try people.redeem(proof: request.token, in: transaction) {
            case .spent(let id):
                return try receipt(for: id, of: try again(id, claim, in: transaction), in: transaction)
            case .open(let invitation, let person):
                let id = try admit(request, claim, of: person, now: now, in: transaction)
                try people.spend(invitation, by: id, in: transaction)
                return try receipt(for: id, of: person, in: transaction)
            }
        }
    }

    /// Lets a machine in whose person has said yes to it in a browser.
    ///
    /// A machine that did not hear the answer is shown again, and hears it with the next code for the same key.
    private func enrol(
        _ request: EnrolmentRequest,
        approved claim: ClaimedSignature,
        at now: Int
    ) async throws -> EnrolmentReceipt {
        try await database.read { view in
            try people.look(code: request.token, keyid: claim.keyid, verifier: request.verifier, in: view)
        }
        return try await database.write { transaction in
            try NonceStore.spend(claim, now: now, in: transaction)
            let person = try people.redeem(
                code: request.token,
                keyid: claim.keyid,
                verifier: request.verifier,
                in: transaction
            )
            if let known = try StoredAgent.find(keyid: claim.keyid, in: transaction), !known.isRevoked,
                known.sub == person.sub
            {
                return try receipt(for: known.id, of: person, in: transaction)
            }
            let id = try admit(request, claim, of: person, now: now, in: transaction)
            return try receipt(for: id, of: person, in: transaction)
        }
    }

    /// Stores a machine and states its key; its id.
    private func admit(
        _ request: EnrolmentRequest,
        _ claim: ClaimedSignature,
        of person: Person,
        now: Int,
        in transaction: SQLTransaction
    ) throws -> String {
        guard try StoredAgent.find(keyid: claim.keyid, in: transaction) == nil else { throw Refused.keyEnrolled }
        let id = AgentID.make(random: random.bytes(10))
        try add(request, id: id, keyid: claim.keyid, of: person, now: now, in: transaction)
        let enrolment = OrgLeaf.KeyEnrolment(
            agent: JSONText(id),
            key: claim.keyid,
            sub: JSONText(person.sub),
            custody: JSONText(request.custody)
        )
        try log.append(.keyEnrol(enrolment), at: clock.wall(), in: transaction)
        try revisions.raisePerson(sub: person.sub, in: transaction)
        return id
    }

    /// The person of a machine that asks again, as it has not heard the answer; for any other key the token is spent.
    private func again(_ id: String, _ claim: ClaimedSignature, in view: some SQLReading) throws -> Person {
        guard let agent = try StoredAgent.find(id: id, in: view), !agent.isRevoked,
            agent.keyid.utf8.elementsEqual(claim.keyid.utf8),
            let person = try people.person(sub: agent.sub, in: view)
        else { throw Refused.tokenSpent }
        return person
    }

    private static func request(_ body: [UInt8]) throws -> EnrolmentRequest {
        do {
            let json = try JSONValue(parsing: body, limits: JSONLimits(maxBytes: largestEnrolment, maxDepth: 4))
            let request = try EnrolmentRequest(json)
            // It becomes part of a leaf, which has words and no prose.
            guard request.custody.utf8.allSatisfy(isWordByte) else {
                throw ShapeError("custody", "must be one word, such as keyring")
            }
            return request
        } catch let error as ShapeError {
            throw Refused.malformed(error, code: "invalid_request")
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "_-.:+".utf8.contains(byte)
        }
    }

    private func add(
        _ request: EnrolmentRequest,
        id: String,
        keyid: String,
        of person: Person,
        now: Int,
        in transaction: SQLTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO agent
                (agent_id, sub, keyid, public_key, hostname, custody, version, enrolled_at, last_seen)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(id), .text(person.sub), .text(keyid), .blob(request.publicKey), .text(request.hostname),
                .text(request.custody), .text(request.version), .integer(now), .integer(now),
            ]
        )
    }

    private func receipt(for id: String, of person: Person, in view: some SQLReading) throws -> EnrolmentReceipt {
        guard let position = try log.positions(kind: "key.enrol", subject: id, in: view).first else {
            throw AuditSinkError(
                .damaged,
                "The organisation's log has no leaf of an agent's key.",
                next: "Stop the coordinator and restore its database from a backup."
            )
        }
        return EnrolmentReceipt(
            agentID: id,
            user: person.email,
            sub: person.sub,
            coordinatorKey: log.key.publicKey.bytes,
            origin: log.key.names.audit,
            orgCheckpoint: try log.head(in: view).checkpoint,
            enrol: try log.proven(position, in: view)
        )
    }
}

extension Refused {
    static let keyEnrolled = Refused(
        "key_enrolled",
        "A machine has one key, and a key one machine.",
        next: "Leave first: doorward logout"
    )
}
