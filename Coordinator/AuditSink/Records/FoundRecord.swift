internal import AuditLog
internal import Bytes
package import StrictJSON

/// A record that was found, with whose it is.
package struct FoundRecord: Sendable, Equatable {
    /// The machine that wrote it, and its number in that machine's log.
    package let agent: String
    package let seq: Int
    /// The person's e-mail address.
    package let user: String
    /// When it was made, in microseconds since 1970 by the machine's clock.
    package let time: Int64
    package let result: RecordFilter.Result
    /// The record itself.
    package let record: JSONValue

    /// With the members of `GET /v1/records`.
    package var json: JSONValue {
        [
            "agent_id": .text(agent), "seq": .int(seq), "user": .text(user), "result": .text(result.rawValue),
            "record": record,
        ]
    }
}

/// Records from the newest on.
package struct FoundRecords: Sendable {
    package let records: [FoundRecord]
    /// Where the rest begins; nil where there is no more.
    package let next: RecordCursor?
    /// Whether more than could be looked through at once lies before `next`: there may be some although none was found.
    package let isCutShort: Bool

    init(records: [FoundRecord], next: RecordCursor?, isCutShort: Bool) {
        self.records = records
        self.next = next
        self.isCutShort = isCutShort
    }

    /// None.
    package init() { self.init(records: [], next: nil, isCutShort: false) }
}

/// A place between two records, in the order of their times, machines and numbers.
package struct RecordCursor: Sendable, Equatable, Comparable {
    /// Microseconds since 1970.
    package let time: Int64
    let agent: String
    let seq: Int

    /// `TIME.SEQ.AGENT`.
    package var text: String { "\(time).\(seq).\(agent)" }

    init(time: Int64, agent: String, seq: Int) {
        self.time = time
        self.agent = agent
        self.seq = seq
    }

    /// Reads the text; nil for any other.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard text.utf8.count <= 128, parts.count == 3, let time = Int64(parts[0]), let seq = Int(parts[1]) else {
            return nil
        }
        self.init(time: time, agent: String(parts[2]), seq: seq)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.time, left.agent, left.seq) < (right.time, right.agent, right.seq)
    }
}
