internal import AuditLog
internal import Contract
package import Database
package import Rights
internal import StrictJSON

/// The records of all machines, to be looked at one by one.
///
/// * Order: from the newest on, by the time that each machine gave it.
/// * Cost: uploads are found by their times, servers and machines and then read; one question reads `mostBytes` of them at
///   most, and says where to go on.
package struct RecordLog: Sendable {
    /// Some 80,000 records.
    private static let mostBytes = 48 << 20
    package static let largestPage = 200

    let database: SQLDatabase
    let log: OrgLog

    /// The records in `database`.
    package init(database: SQLDatabase, log: OrgLog) {
        self.database = database
        self.log = log
    }

    /// Records that fit, from the newest on.
    ///
    /// - Parameters:
    ///   - filter: which.
    ///   - cursor: only those behind this place.
    ///   - limit: so many at most.
    ///   - permit: the reader.
    /// - Returns: the records, and where the rest begins.
    /// - Throws: `Refused`: `unknown_user`; what the database throws.
    package func find(
        _ filter: RecordFilter,
        after cursor: RecordCursor? = nil,
        limit: Int,
        for permit: Permit<Right.ReadRecords>
    ) async throws -> FoundRecords {
        let limit = min(max(limit, 1), Self.largestPage)
        return try await database.read { view in
            var look = RecordLook(filter, after: cursor, limit: limit, mostBytes: Self.mostBytes)
            let sub = try filter.user.map { try Self.sub(of: $0, in: view) }
            try look.run(sub: sub, in: view)
            return look.found
        }
    }

    /// The pseudonym of a person who is named by it or by its address.
    private static func sub(of user: String, in view: some SQLReading) throws -> String {
        let row = try view.first("SELECT sub FROM person WHERE sub = ? OR email = ?", [.text(user), .text(user)])
        guard let row else { throw Refused.unknownUser(user) }
        return try row.text("sub")
    }
}

/// One look through the uploads, from the newest on.
private struct RecordLook {
    private let filter: RecordFilter
    private let cursor: RecordCursor?
    private let limit: Int
    private let mostBytes: Int
    private var reader = RecordReader()
    /// In falling order once it is trimmed.
    private var matches: [(place: RecordCursor, record: FoundRecord)] = []
    private var bytes = 0
    /// Records of this time and later are all among the matches, where the look was cut short.
    private var through: Int64?

    init(_ filter: RecordFilter, after cursor: RecordCursor?, limit: Int, mostBytes: Int) {
        self.filter = filter
        self.cursor = cursor
        self.limit = limit
        self.mostBytes = mostBytes
    }

    mutating func run(sub: String?, in view: some SQLReading) throws {
        let end = cursor.map { min(filter.to, $0.time == .max ? .max : $0.time + 1) } ?? filter.to
        let server: SQLValue = .text(filter.server)
        try view.each(
            """
            SELECT agent_batch.id, agent_batch.agent_id, first, next, records, search_time.latest, person.email, below
            FROM search_time JOIN agent_batch ON agent_batch.id = search_time.batch
            JOIN agent ON agent.agent_id = agent_batch.agent_id JOIN person ON person.sub = agent.sub
            LEFT JOIN agent_cut ON agent_cut.agent_id = agent_batch.agent_id
            WHERE search_time.latest >= ? AND search_time.earliest < ? AND (? IS NULL OR search_time.batch IN (
                SELECT batch FROM search_server WHERE server IN (?, '')
            )) AND (? IS NULL OR agent.sub = ?) AND (? IS NULL OR agent_batch.agent_id = ?)
                AND (below IS NULL OR next > below)
            ORDER BY search_time.latest DESC
            """,
            [
                .integer(Int(filter.from)), .integer(Int(end)), server, server, .text(sub), .text(sub),
                .text(filter.agent), .text(filter.agent),
            ]
        ) { row in
            let latest = Int64(try row.integer("latest"))
            // What comes now is older than what was found already, and than the one that tells that there is more.
            if matches.count > limit, latest < matches[limit].place.time { return false }
            guard bytes < mostBytes else {
                through = latest
                return false
            }
            try read(row)
            return true
        }
    }

    private mutating func read(_ row: SQLRow) throws {
        let batch = try StoredBatch(row)
        let (agent, user) = (try row.text("agent_id"), try row.text("email"))
        let first = max(batch.first, try row.optionalInteger("below") ?? 0)
        bytes += batch.records.count
        try batch.each(in: first..<batch.next) { seq, record in
            let header = try reader.readStored(record)
            guard filter.admits(header, in: record) else { return }
            let place = RecordCursor(time: header.time, agent: agent, seq: seq)
            if let cursor, place >= cursor { return }
            if matches.count > limit, place < matches[limit].place { return }
            let json = try JSONValue(parsing: Array(record))
            guard filter.admits(json) else { return }
            let found = FoundRecord(
                agent: agent,
                seq: seq,
                user: user,
                time: header.time,
                result: RecordFilter.Result(of: header, in: record),
                record: json
            )
            insert((place, found))
        }
    }

    private mutating func insert(_ match: (place: RecordCursor, record: FoundRecord)) {
        let index = matches.firstIndex { $0.place < match.place } ?? matches.count
        matches.insert(match, at: index)
        // One more than is asked for tells whether there is more.
        if matches.count > limit + 1 { matches.removeLast() }
    }

    var found: FoundRecords {
        let all = through.map { end in matches.filter { $0.place.time > end } } ?? matches
        let shown = Array(all.prefix(limit))
        if all.count > limit {
            return FoundRecords(records: shown.map(\.record), next: shown.last?.place, isCutShort: false)
        }
        guard let through else { return FoundRecords(records: shown.map(\.record), next: nil, isCutShort: false) }
        // Whatever has this time has still to be looked at.
        let next = RecordCursor(time: through + 1, agent: "", seq: 0)
        return FoundRecords(records: shown.map(\.record), next: next, isCutShort: true)
    }
}

extension RecordFilter {
    /// Whether a record has the members that are looked for, which its reader does not hand on.
    fileprivate func admits(_ record: JSONValue) -> Bool {
        func isText(_ value: JSONValue?, _ wanted: String?) -> Bool {
            guard let wanted else { return true }
            return value?.string.map { $0.utf8.elementsEqual(wanted.utf8) } ?? false
        }
        return isText(record["client"]?["id"], client) && isText(record["tool"] ?? record["prompt"], item)
            && (call == nil || isText(record["call"], call) || isText(record["trace"], call))
    }
}
