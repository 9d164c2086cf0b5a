internal import AuditLog
internal import Database

/// One upload as it is kept.
struct StoredBatch: Sendable {
    let id: Int
    /// The number of the first record.
    let first: Int
    /// The number behind the last record, and so the size of the log with this batch.
    let next: Int
    /// The records, each with its line feed.
    let records: [UInt8]

    /// Lends each of these records to `body`, with its number and without its line feed.
    func each(in range: Range<Int>, _ body: (Int, UnsafeBufferPointer<UInt8>) throws -> Void) rethrows {
        try records.withUnsafeBufferPointer { bytes in
            var number = first
            try RecordLines.each(bytes) { line in
                if range.contains(number) { try body(number, line) }
                number += 1
                return number < range.upperBound
            }
        }
    }

    /// The records from this number on, each with its line feed.
    func records(from number: Int) -> ArraySlice<UInt8> {
        var offset = 0
        each(in: first..<number) { offset += $1.count + 1 }
        return records[offset...]
    }

    /// Calls `body` with the batches that hold any of these records, in their order, until it returns false.
    static func each(
        of agent: String,
        holding records: Range<Int>,
        in view: some SQLReading,
        _ body: (StoredBatch) throws -> Bool
    ) throws {
        try view.each(
            """
            SELECT id, first, next, records FROM agent_batch
            WHERE agent_id = ? AND next > ? AND first < ? ORDER BY next
            """,
            [.text(agent), .integer(records.lowerBound), .integer(records.upperBound)]
        ) { row in try body(StoredBatch(row)) }
    }

    init(_ row: SQLRow) throws {
        id = try row.integer("id")
        first = try row.integer("first")
        next = try row.integer("next")
        records = try row.blob("records")
    }
}
