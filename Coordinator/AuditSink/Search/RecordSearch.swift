internal import AuditLog
internal import Database
internal import StrictJSON

/// Finds the records of a selection: first the batches that may hold some, then the records themselves.
///
/// Batches that the indexer has not come to yet may hold anything, so they are looked into.
struct RecordSearch: Sendable {
    let selection: ReportSelection
    /// The pseudonym of the selection's person; nil for everyone.
    let sub: String?

    /// The records of one agent, by their numbers.
    struct Span: Sendable {
        let agent: String
        let records: Range<Int>
    }

    /// For each agent that may have written records of the selection, sorted by the ids' bytes, where they would be.
    func candidates(in view: some SQLReading) throws -> [Span] {
        let through = try SearchIndexer.through(in: view)
        let server: SQLValue = .text(selection.server?.string)
        let rows = try view.rows(
            """
            SELECT agent_id, MIN(first) AS lower, MAX(next) AS upper FROM (
                SELECT agent_id, first, next FROM search_time JOIN agent_batch ON id = batch
                WHERE latest >= ? AND earliest < ? AND (? IS NULL OR batch IN (
                    SELECT batch FROM search_server WHERE server IN (?, '')
                ))
                UNION ALL SELECT agent_id, first, next FROM agent_batch WHERE id > ?
            ) JOIN agent USING (agent_id) LEFT JOIN agent_cut USING (agent_id)
            WHERE (? IS NULL OR sub = ?) AND (below IS NULL OR next > below)
            GROUP BY agent_id ORDER BY agent_id
            """,
            [
                .integer(Int(selection.from)), .integer(Int(selection.to)), server, server, .integer(through),
                .text(sub), .text(sub),
            ]
        )
        return try rows.map { row in
            Span(agent: try row.text("agent_id"), records: try row.integer("lower")..<(try row.integer("upper")))
        }
    }

    /// From the first to the last record that is selected and falls into the time, within what `candidates` found.
    func narrowed(_ span: Span, in view: some SQLReading) throws -> Span? {
        guard let first = try match(in: span, fromEnd: false, view) else { return nil }
        guard let last = try match(in: span, fromEnd: true, view) else { return nil }
        return Span(agent: span.agent, records: first..<(last + 1))
    }

    /// The agents of the selection whose records were removed, with the leaf that says so.
    ///
    /// Which servers those records were about, nobody knows any more; when they were made is kept where it was known.
    func removals(in view: some SQLReading) throws -> [(agent: String, position: Int)] {
        let rows = try view.rows(
            """
            SELECT agent_id, org_position FROM agent_cut JOIN agent USING (agent_id)
            WHERE (? IS NULL OR sub = ?) AND (latest IS NULL OR (latest >= ? AND earliest < ?)) ORDER BY agent_id
            """,
            [.text(sub), .text(sub), .integer(Int(selection.from)), .integer(Int(selection.to))]
        )
        return try rows.map { (try $0.text("agent_id"), try $0.integer("org_position")) }
    }

    private func match(in span: Span, fromEnd: Bool, _ view: some SQLReading) throws -> Int? {
        var found: Int?
        var reader = RecordReader()
        try view.each(
            """
            SELECT id, first, next, records FROM agent_batch LEFT JOIN search_time ON batch = id
            WHERE agent_id = ? AND next > ? AND first < ? AND (batch IS NULL OR latest >= ? AND earliest < ?)
            ORDER BY next \(fromEnd ? "DESC" : "ASC")
            """,
            [
                .text(span.agent), .integer(span.records.lowerBound), .integer(span.records.upperBound),
                .integer(Int(selection.from)), .integer(Int(selection.to)),
            ]
        ) { row in
            let batch = try StoredBatch(row)
            let lines = batch.lines
            let offset =
                try fromEnd
                ? lines.lastIndex { try isMatch($0, &reader) } : lines.firstIndex { try isMatch($0, &reader) }
            found = offset.map { batch.first + $0 }
            return found == nil
        }
        return found
    }

    private func isMatch(_ record: ArraySlice<UInt8>, _ reader: inout RecordReader) throws -> Bool {
        let marks = try RecordMarks(record, &reader)
        return selection.contains(marks.time) && isSelected(marks)
    }

    /// Whether a record is about what was asked for, whenever it was made.
    func isSelected(_ marks: RecordMarks) -> Bool {
        selection.server == nil || selection.server == marks.server
    }
}
