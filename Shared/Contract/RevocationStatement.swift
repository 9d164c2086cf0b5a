package import AuditLog
package import Bytes
package import StrictJSON
package import TransparencyLog

/// The coordinator's signed word that the key of one machine is revoked.
///
/// The problem `revoked_key` contains it, so that only the coordinator can make an agent close: any proxy that is once
/// on the way can send a status. A key that is revoked never opens anything again, so the word has no end, and an old
/// copy of it is as good as a new one.
package struct RevocationStatement: Sendable, Equatable {
    package let agentID: String
    /// The fingerprint of the machine's key.
    package let key: String
    /// When the key was revoked.
    package let time: UTCTime

    package init(agentID: String, key: String, time: UTCTime) {
        self.agentID = agentID
        self.key = key
        self.time = time
    }

    package var json: JSONValue {
        ["v": 1, "kind": "revocation", "agent": .text(agentID), "key": .text(key), "time": .text(time.text)]
    }

    /// Reads a document; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "revocation")
            return RevocationStatement(
                agentID: try reader.agentID("agent"),
                key: try reader.text("key"),
                time: try reader.time("time")
            )
        }
    }

    // MARK: Signing

    /// The statement as a note, signed by the coordinator's key.
    package func signed(by key: SigningKey, names: LogNames) throws -> String {
        let text = try SignedDocument.text(json, origin: names.revocation)
        return String(decoding: try Note.sign(text, name: names.revocation, key: key).bytes, as: UTF8.self)
    }

    /// What a request of the machine is refused with, with the signed statement in it.
    package func refusal(signedBy key: SigningKey, names: LogNames) throws -> Refused {
        Refused(
            SignatureRefusal.revokedKey.rawValue,
            SignatureRefusal.revokedKey.detail,
            next: "Leave with `doorward logout`, and ask an administrator for a new invitation.",
            members: [Self.member: .text(try signed(by: key, names: names))]
        )
    }

    // MARK: Verifying

    /// The statement in a problem, if it is one about this machine that the coordinator has signed.
    ///
    /// - Parameters:
    ///   - problem: what the machine was answered.
    ///   - coordinatorKey: the key that the machine has pinned.
    ///   - names: under which the coordinator signs.
    ///   - agentID: the machine.
    ///   - key: the fingerprint of the machine's key.
    /// - Returns: nil for every other problem, and for a statement that is missing, altered, signed by another key or
    ///   for another purpose, or about another machine or key.
    package static func verified(
        in problem: Problem,
        by coordinatorKey: VerifyingKey,
        names: LogNames,
        agentID: String,
        key: String
    ) -> RevocationStatement? {
        guard problem.code.utf8.elementsEqual(SignatureRefusal.revokedKey.rawValue.utf8),
            let note = problem.members[member]?.text
        else { return nil }
        return verified(note: note, by: coordinatorKey, names: names, agentID: agentID, key: key)
    }

    /// The statement in a note; see `verified(in:by:names:agentID:key:)`.
    package static func verified(
        note: String,
        by coordinatorKey: VerifyingKey,
        names: LogNames,
        agentID: String,
        key: String
    ) -> RevocationStatement? {
        guard let note = try? Note(parsing: note.utf8, atMost: longest),
            note.isSigned(name: names.revocation, key: coordinatorKey),
            let json = SignedDocument.json(text: note.text, origin: names.revocation),
            let statement = try? RevocationStatement(json),
            statement.agentID.utf8.elementsEqual(agentID.utf8), statement.key.utf8.elementsEqual(key.utf8)
        else { return nil }
        return statement
    }

    /// The member of the problem that holds the note.
    package static let member: JSONText = "statement"

    private static let longest = 4 << 10
}
