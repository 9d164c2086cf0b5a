internal import AuditLog
internal import Contract
internal import TransparencyLog

/// An upload that passed every check that needs no look at the stored data.
///
/// It is checked before the one writer's turn comes: reading records takes longer than storing them.
struct CheckedUpload: Sendable {
    let agent: StoredAgent
    /// How many records the coordinator is thought to have.
    let old: Int
    let checkpoint: Checkpoint
    /// The checkpoint with the agent's signature and no other.
    let note: Note
    /// The hashes of the records from `old` on.
    let leaves: [Hash]
    /// What the records are found by.
    let marks: BatchMarks
    /// What the records add to the counts of how calls went.
    let tallies: UploadTallies
    /// The records, each with its line feed; where they came in.
    let records: ArraySlice<UInt8>

    /// Checks an upload of the agent; throws `Refused`.
    @concurrent
    static func check(_ body: [UInt8], of agent: StoredAgent, origin: String) async throws -> CheckedUpload {
        try CheckedUpload(body, of: agent, origin: origin)
    }

    init(_ body: [UInt8], of agent: StoredAgent, origin: String) throws {
        var signed: (note: Note, checkpoint: Checkpoint)?
        let upload = try ReceivedUpload(body) { _, bytes in
            guard let note = try? Note(parsing: bytes), let checkpoint = try? Checkpoint(parsing: note.text) else {
                throw Refused.malformedUpload("The note is not a signed checkpoint.")
            }
            guard checkpoint.origin.utf8.elementsEqual(origin.utf8), note.signatures.count == 1,
                note.isSigned(name: origin, key: agent.key)
            else { throw Refused.foreignCheckpoint }
            signed = (note, checkpoint)
        }
        guard let upload, let (note, checkpoint) = signed else {
            throw Refused.malformedUpload("The body is not `old N`, a signed checkpoint and records.")
        }
        guard checkpoint.size > 0, checkpoint.size == UInt64(upload.old) + UInt64(upload.count) else {
            throw Refused.malformedUpload("The checkpoint is not of as many records as there are with those sent.")
        }

        // One pass: what was read of a record is still in the processor's caches when it is hashed.
        var leaves: [Hash] = []
        leaves.reserveCapacity(upload.count)
        var rules = RecordRules(agent: agent)
        var marks = BatchMarks()
        var tallies = UploadTallies()
        try body.withUnsafeBufferPointer { bytes in
            try RecordLines.each(UnsafeBufferPointer(rebasing: bytes[upload.records])) { record in
                let header = try rules.check(record, number: upload.old + leaves.count)
                marks.note(header, in: record)
                tallies.note(header, in: record)
                leaves.append(.leaf(record))
                return true
            }
        }
        self.agent = agent
        old = upload.old
        self.checkpoint = checkpoint
        self.note = note
        self.leaves = leaves
        self.marks = marks
        self.tallies = tallies
        records = body[upload.records]
    }
}
