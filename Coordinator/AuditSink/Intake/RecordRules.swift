internal import AuditLog
internal import Bytes
internal import Contract
internal import Errors
internal import StrictJSON
internal import TransparencyLog

/// The rules for a record to be stored: those that a verifier will check later.
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

    /// What the record of this number of the agent's log says; throws `Refused` where it is not that.
    mutating func check(_ record: UnsafeBufferPointer<UInt8>, number: Int) throws -> RecordHeader {
        let facts: RecordHeader
        do throws(LogError) {
            facts = try reader.read(record)
        } catch {
            throw Refused.badRecord(number, error.message)
        }
        guard facts.seq == UInt64(number) else { throw Refused.badRecord(number, "it is not numbered so") }
        guard Self.isText(agent, facts.agent, in: record) else { throw Refused.badRecord(number, "agent is another's") }
        guard Self.isText(sub, facts.sub, in: record) else { throw Refused.badRecord(number, "sub is another's") }
        guard Self.isText(key, facts.key, in: record) else { throw Refused.badRecord(number, "key is another's") }
        return facts
    }

    private static func isText(_ text: [UInt8], _ span: JSONSpan, in record: UnsafeBufferPointer<UInt8>) -> Bool {
        text.withUnsafeBufferPointer { UnsafeBufferPointer(rebasing: record[span.range]).isEqual(to: $0) }
    }
}
