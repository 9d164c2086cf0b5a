internal import AuditLog
internal import Contract
internal import StrictJSON

/// What a record of one agent must be to be stored: what a verifier will ask of it later.
///
/// One bad record that was stored would make every report with it worthless, so it is refused, and stays the agent's.
struct RecordRules: Sendable {
    private var reader = RecordReader(plainNames: true)
    private let agent: [UInt8]
    private let sub: [UInt8]
    private let key: [UInt8]

    init(agent: StoredAgent) {
        self.agent = Array(agent.id.utf8)
        sub = Array(agent.sub.utf8)
        key = Array(agent.key.fingerprint.utf8)
    }

    /// Throws `Problem` unless this is the record of this number of the agent's log.
    mutating func check(_ record: ArraySlice<UInt8>, number: Int) throws {
        do {
            try record.withUnsafeBufferPointer { bytes in
                let facts = try reader.read(bytes)
                guard facts.seq == UInt64(number) else { throw AuditLogError(.malformed, "it is not numbered so") }
                for (name, span, expected) in [
                    ("agent", facts.agent, agent), ("sub", facts.sub, sub), ("key", facts.key, key),
                ]
                where !bytes[span.range].elementsEqual(expected) {
                    throw AuditLogError(.malformed, "\(name) is another's")
                }
            }
        } catch let error as AuditLogError {
            throw Problem.badRecord(number, error.message)
        }
    }
}
