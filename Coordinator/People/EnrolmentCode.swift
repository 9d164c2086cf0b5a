internal import AuditSink
internal import Contract
package import Database
package import Rights
internal import TransparencyLog

/// What a person has said yes to in a browser: a machine with this key, and no other, comes in as the person's.
package struct EnrolmentApproval: Sendable, Equatable {
    /// The fingerprint of the machine's key.
    package let keyid: String
    /// The hash of what the machine keeps to itself until it brings the code (RFC 7636, S256).
    package let challenge: String

    /// An approval of a machine.
    package init(keyid: String, challenge: String) {
        self.keyid = keyid
        self.challenge = challenge
    }
}

/// Codes with which people enrol their own machines.
///
/// A code is of no use to whoever catches it on its way: it is redeemed by a request that is signed with the machine's key, and
/// that knows the proof.
extension People {
    /// How long a code opens, in seconds: the browser brings it to the machine at once.
    static let codeLife = 120
    /// How many open codes a person may have.
    private static let mostCodes = 5

    /// Makes a code for a machine of a person in a browser.
    ///
    /// - Parameters:
    ///   - approval: which machine.
    ///   - caller: the person, who has signed in a moment ago.
    /// - Returns: the code, for the machine alone.
    /// - Throws: `Refused`: `sign_in_again`, `browser_needed`, `locked`, `session_ended`.
    package func approve(_ approval: EnrolmentApproval, by caller: Caller) async throws -> String {
        let now = clock.seconds
        let secret = random.bytes(16)
        try await database.write { transaction in
            let caller = try log.standing(caller, at: now, in: transaction)
            guard case .session(_, let isRecent) = caller.proof else { throw Refused.browserNeeded }
            guard !caller.isLocked else { throw Refused.locked }
            guard isRecent else { throw Refused.signInAgain }
            try transaction.execute("DELETE FROM enrolment_code WHERE expires_at <= ?", [.integer(now)])
            let open = try transaction.rows("SELECT 1 FROM enrolment_code WHERE sub = ?", [.text(caller.sub)]).count
            guard open < Self.mostCodes else {
                throw Refused.tooMany("codes for machines", most: Self.mostCodes, next: "Wait two minutes.")
            }
            try transaction.execute(
                "INSERT INTO enrolment_code (secret_hash, sub, keyid, challenge, expires_at) VALUES (?, ?, ?, ?, ?)",
                [
                    .blob(Hash.of(secret).bytes), .text(caller.sub), .text(approval.keyid), .text(approval.challenge),
                    .integer(now + Self.codeLife),
                ]
            )
        }
        return EnrolmentCode.proof(secret: secret)
    }

    /// The person of a code, which is spent by it.
    ///
    /// - Parameters:
    ///   - code: what the machine sent, `dwe1.SECRET`.
    ///   - keyid: the key that has signed the request.
    ///   - verifier: what the machine has kept to itself.
    ///   - transaction: where the machine is enrolled.
    /// - Returns: the person.
    /// - Throws: `Refused`, `token_spent`, for a code that is unknown, has expired, or is for another key, all alike: then it stays
    ///   as good as it was.
    package func redeem(
        code: String,
        keyid: String,
        verifier: String?,
        in transaction: SQLTransaction
    ) throws -> Person {
        let (hash, sub) = try good(code: code, keyid: keyid, verifier: verifier, in: transaction)
        guard let person = try person(sub: sub, in: transaction), person.role != nil,
            try Lock.find(sub: sub, machine: nil, in: transaction) == nil,
            try transaction.execute("DELETE FROM enrolment_code WHERE secret_hash = ?", [.blob(hash.bytes)]) == 1
        else { throw Refused.tokenSpent }
        return person
    }

    /// Looks at a code as `redeem` does, without a turn to write: strangers can ask as often as they like, and no change waits
    /// behind them.
    package func look(code: String, keyid: String, verifier: String?, in view: some SQLReading) throws {
        _ = try good(code: code, keyid: keyid, verifier: verifier, in: view)
    }

    private func good(
        code: String,
        keyid: String,
        verifier: String?,
        in view: some SQLReading
    ) throws -> (Hash, String) {
        guard let secret = EnrolmentCode.secret(proof: code), let verifier, (43...128).contains(verifier.utf8.count)
        else {
            throw Refused.tokenSpent
        }
        let hash = Hash.of(secret)
        let row = try view.first(
            "SELECT sub, keyid, challenge, expires_at FROM enrolment_code WHERE secret_hash = ?",
            [.blob(hash.bytes)]
        )
        guard let row, clock.seconds < (try row.integer("expires_at")),
            try row.text("keyid").utf8.elementsEqual(keyid.utf8),
            try row.text("challenge").utf8.elementsEqual(Hash.of(Array(verifier.utf8)).base64URL.utf8)
        else { throw Refused.tokenSpent }
        return (hash, try row.text("sub"))
    }
}
