internal import AuditLog
internal import AuditReport
internal import Database
internal import StrictJSON

/// Finds the records of a selection: first the batches that may hold some, then the records themselves.
struct RecordSearch: Sendable {
    let selection: ReportSelection
    /// The pseudonym of the selection's person; nil for everyone.
    let sub: String?

    /// The records of one agent, by their numbers.
    struct Span: Sendable {
        let agent: String
        /// The pseudonym of the person that the agent works for.
        let sub: String
        let records: Range<Int>
    }

    /// For each agent that may have written records of the selection, sorted by the ids' bytes, where they would be.
    func candidates(in view: some SQLReading) throws -> [Span] {
        try SearchBacklog.requireFinished(in: view)
        let server: SQLValue = .text(selection.server?.string)
        let rows = try view.rows(
            """
            SELECT agent_id, sub, MIN(first) AS lower, MAX(next) AS upper
            FROM search_time JOIN agent_batch ON id = batch
            JOIN agent USING (agent_id) LEFT JOIN agent_cut USING (agent_id)
            WHERE search_time.latest >= ? AND search_time.earliest < ? AND (? IS NULL OR batch IN (
                SELECT batch FROM search_server WHERE server IN (?, '')
            )) AND (? IS NULL OR sub = ?) AND (below IS NULL OR next > below)
            GROUP BY agent_id ORDER BY agent_id
            """,
            [
                .integer(Int(selection.from)), .integer(Int(selection.to)), server, server, .text(sub), .text(sub),
            ]
        )
        return try rows.map { row in
            Span(
                agent: try row.text("agent_id"),
                sub: try row.text("sub"),
                records: try row.integer("lower")..<(try row.integer("upper"))
            )
        }
    }

    /// From the first to the last record that is selected and falls into the time, within what `candidates` found.
    func narrowed(_ span: Span, in view: some SQLReading) throws -> Span? {
        guard let first = try match(in: span, fromEnd: false, view) else { return nil }
        guard let last = try match(in: span, fromEnd: true, view) else { return nil }
        return Span(agent: span.agent, sub: span.sub, records: first..<(last + 1))
    }

    /// The agents of the selection whose records were removed, with the leaf that says so.
    ///
    /// Which servers those records were about is no longer known; when they were made is kept where it was known.
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
            SELECT id, first, next, records FROM agent_batch JOIN search_time ON batch = id
            WHERE agent_id = ? AND next > ? AND first < ? AND latest >= ? AND earliest < ?
            ORDER BY next \(fromEnd ? "DESC" : "ASC")
            """,
            [
                .text(span.agent), .integer(span.records.lowerBound), .integer(span.records.upperBound),
                .integer(Int(selection.from)), .integer(Int(selection.to)),
            ]
        ) { row in
            let batch = try StoredBatch(row)
            try batch.each(in: batch.first..<batch.next) { number, record in
                guard fromEnd || found == nil else { return }
                let facts = try reader.readStored(record)
                if selection.contains(facts.time), isSelected(facts, record) { found = number }
            }
            return found == nil
        }
        return found
    }

    /// Whether a record is about what was asked for, whenever it was made.
    func isSelected(_ facts: RecordHeader, _ record: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let server = selection.server else { return true }
        return facts.server?.withText(in: record) { server.utf8.elementsEqual($0) } ?? false
    }
}
