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

    /// The records, without their line feeds.
    var lines: [ArraySlice<UInt8>] {
        records.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
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
