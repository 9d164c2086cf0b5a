internal import AuditLog
internal import Bytes
internal import Contract
internal import Database
package import Rights
package import StrictJSON
package import TransparencyLog

/// A record with what proves it, each step of which was checked once more.
package struct ProvenRecord: Sendable {
    package let found: FoundRecord
    /// The exact bytes that were hashed.
    package let bytes: [UInt8]
    /// The record in its machine's log, up to the checkpoint that the machine has signed and the coordinator countersigned.
    package let proof: TLogProof
    /// The size of the machine's log in that checkpoint.
    package let logSize: Int
    /// The fingerprint of the machine's key.
    package let key: String
    /// When the coordinator countersigned it, in seconds since 1970; nil where its signature is not good.
    package let countersignedAt: Int?
    /// That checkpoint in the organisation's log, up to its newest state.
    package let logged: TLogProof
    package let orgSize: Int
    /// Where the leaf is by which the machine came in, and the one by which its key was taken away.
    package let enrolledAt: Int
    package let revokedAt: Int?

    /// The steps of the proof, in the order in which a verifier takes them.
    package enum Step: String, CaseIterable, Sendable {
        /// The record is in the tree of the machine's log.
        case included
        /// The machine has signed that tree.
        case signed
        /// The coordinator has countersigned it.
        case countersigned
        /// That is in the organisation's log, after the machine came in, and before its key was taken away.
        case logged
        /// The coordinator has signed the organisation's log.
        case organisation
    }

    /// Those that hold.
    package let holding: Set<Step>

    /// As `GET /v1/records/{agent}/{seq}` shows it.
    package var json: JSONValue {
        var object = found.json.object ?? [:]
        object["bytes"] = .text(String(decoding: bytes, as: UTF8.self))
        object["hash"] = .text(Hash.leaf(bytes).base64URL)
        object["key"] = .text(key)
        object["log_size"] = .int(logSize)
        object["countersigned"] = countersignedAt.map { .text(UTCTime(seconds: $0).shortText) } ?? .null
        object["org_position"] = .int(Int(logged.index))
        object["org_size"] = .int(orgSize)
        object["proven"] = .array(Step.allCases.filter(holding.contains).map { .text($0.rawValue) })
        object["not_proven"] = .array(Step.allCases.filter { !holding.contains($0) }.map { .text($0.rawValue) })
        object["proof"] = .text(String(decoding: proof.bytes, as: UTF8.self))
        object["org_proof"] = .text(String(decoding: logged.bytes, as: UTF8.self))
        return .object(object)
    }
}

extension RecordLog {
    /// One record with what proves it.
    ///
    /// - Parameters:
    ///   - agent: the machine that wrote it.
    ///   - seq: its number in that machine's log.
    ///   - permit: the reader.
    /// - Returns: the record and its proof in the newest state of the organisation's log.
    /// - Throws: `Refused`: `unknown_record`, `records_removed`.
    package func record(
        _ agent: String,
        _ seq: Int,
        for permit: Permit<Right.ReadRecords>
    ) async throws -> ProvenRecord {
        try await database.read { view in
            let row = try view.first(
                """
                SELECT id, first, next, records, note, org_position, email FROM agent_batch
                JOIN agent USING (agent_id) JOIN person USING (sub)
                WHERE agent_id = ? AND first <= ? AND next > ? ORDER BY next LIMIT 1
                """,
                [.text(agent), .integer(seq), .integer(seq)]
            )
            guard let row, let stored = try StoredAgent.find(agent, in: view) else {
                throw try refusal(agent, seq, in: view)
            }
            let cut = try view.first("SELECT below FROM agent_cut WHERE agent_id = ?", [.text(agent)])
            guard try cut?.integer("below") ?? 0 <= seq else { throw try refusal(agent, seq, in: view) }
            return try prove(seq, of: stored, row, in: view)
        }
    }

    private func refusal(_ agent: String, _ seq: Int, in view: some SQLReading) throws -> Refused {
        let cut = try view.first("SELECT below FROM agent_cut WHERE agent_id = ?", [.text(agent)])
        return try cut?.integer("below") ?? 0 > seq ? .recordRemoved : .unknownRecord
    }

    private func prove(
        _ seq: Int,
        of agent: StoredAgent,
        _ row: SQLRow,
        in view: some SQLReading
    ) throws -> ProvenRecord {
        let batch = try StoredBatch(row)
        var bytes: [UInt8] = []
        batch.each(in: seq..<(seq + 1)) { bytes = Array($1) }
        let note = try Note(parsing: try row.blob("note"))
        let checkpoint = try Checkpoint(parsing: note.text)
        let path = try MerkleProof.inclusion(
            of: UInt64(seq),
            size: UInt64(batch.next),
            in: AgentNodes(agent: agent.id, size: UInt64(batch.next), view: view)
        )
        let head = try log.head(in: view)
        let position = try row.integer("org_position")
        let leaf = try LoggedLeaf(position, of: head.size, in: view)
        let enrolled = try log.positions(kind: "key.enrol", subject: agent.id, in: view).first ?? Int.max
        let revoked = try log.positions(kind: "key.revoke", subject: agent.id, in: view).first
        let countersigned = countersigning(note)

        var holding: Set<ProvenRecord.Step> = []
        let isIncluded = MerkleProof.isIncluded(
            .leaf(bytes),
            at: UInt64(seq),
            size: checkpoint.size,
            root: checkpoint.root,
            proof: path
        )
        let name = log.key.names.agent(agent.id)
        if isIncluded { holding.insert(.included) }
        if checkpoint.origin == name, note.isSigned(name: name, key: agent.key) { holding.insert(.signed) }
        if countersigned != nil { holding.insert(.countersigned) }
        let orgNote = try Note(parsing: head.note)
        let org = try Checkpoint(parsing: orgNote.text)
        let isLogged = MerkleProof.isIncluded(
            .leaf(leaf.leaf),
            at: leaf.index,
            size: org.size,
            root: org.root,
            proof: leaf.path
        )
        if isLogged, case .agentCheckpoint(checkpoint)? = try? OrgLeaf(parsing: leaf.leaf).body, enrolled < position,
            revoked.map({ $0 > position }) ?? true
        {
            holding.insert(.logged)
        }
        if orgNote.isSigned(name: org.origin, key: log.key.publicKey) { holding.insert(.organisation) }

        var reader = RecordReader()
        let header = try bytes.withUnsafeBufferPointer { try reader.readStored($0) }
        return ProvenRecord(
            found: FoundRecord(
                agent: agent.id,
                seq: seq,
                user: try row.text("email"),
                time: header.time,
                result: bytes.withUnsafeBufferPointer { RecordFilter.Result(of: header, in: $0) },
                record: try JSONValue(parsing: bytes)
            ),
            bytes: bytes,
            proof: TLogProof(LoggedLeaf(leaf: bytes, index: UInt64(seq), path: path), checkpoint: note.bytes),
            logSize: batch.next,
            key: agent.key.fingerprint,
            countersignedAt: countersigned,
            logged: TLogProof(leaf, checkpoint: head.note),
            orgSize: Int(head.size),
            enrolledAt: enrolled,
            revokedAt: revoked,
            holding: holding
        )
    }

    /// When the coordinator countersigned a note: under the name of the log's epoch at that time.
    private func countersigning(_ note: Note) -> Int? {
        for signature in note.signatures.dropFirst() {
            if let time = note.cosignatureTime(name: signature.name, key: log.key.publicKey) { return Int(time) }
        }
        return nil
    }
}

extension Refused {
    fileprivate static let unknownRecord = Refused(
        "unknown_record",
        "No machine of this id has a record of this number at the coordinator.",
        next: "A record is here once its machine has shipped it. Look for it in the audit search."
    )

    fileprivate static let recordRemoved = Refused(
        "records_removed",
        "This record was removed, with others of a machine that is shut out.",
        next: "Reports say which records were removed, and prove it."
    )
}
