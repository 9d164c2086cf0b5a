internal import AuditLog
internal import AuditReport
internal import Bytes
internal import Contract
internal import Database
internal import StrictJSON
internal import TransparencyLog

/// Puts one report together out of one view of the database.
struct ReportAssembly<View: SQLReading> {
    private let view: View
    private let log: OrgLog
    private let search: RecordSearch
    private let file: RecordsFile
    private let largest: Int
    /// Whether the disk takes more; asked before each piece.
    var hasRoom: @Sendable () -> Bool = { true }
    /// Hears after each upload how many records were looked at, of how many.
    var progress: @Sendable (Int, Int) -> Void = { _, _ in }
    /// The size of the organisation's log that all proofs lead to.
    private let orgSize: UInt64

    /// The server that was asked for.
    private let server: String?
    private var writer: ReportWriter
    /// Records on their way to the file.
    private var output: [UInt8] = []
    private var written = 0
    private var reader = RecordReader()
    /// The versions of the policies that the records name; nearly always the one before.
    private var policies: Set<Int> = []
    private var lastPolicy: Int?

    /// Written in pieces of about so many bytes.
    private static var piece: Int { 256 << 10 }

    init(
        _ choice: ReportChoice,
        made: Int64,
        log: OrgLog,
        folder: String,
        largest: Int,
        in view: View
    ) throws {
        var sub: String?
        if let user = choice.user {
            guard let row = try view.first("SELECT sub FROM person WHERE email = ?", [.text(user)]) else {
                throw Refused.unknownUser(user)
            }
            sub = try row.text("sub")
        }
        let selection = ReportSelection(
            from: Int64(choice.from.microseconds),
            to: Int64(choice.to.microseconds),
            user: choice.user.map { JSONText($0) },
            server: choice.server.map { JSONText($0) }
        )
        let head = try log.head(in: view)
        writer = try ReportWriter(
            selection: selection,
            made: made,
            names: log.key.names,
            key: log.key.signing,
            org: try Note(parsing: head.note)
        )
        search = RecordSearch(selection: selection, sub: sub)
        file = try RecordsFile(folder: folder)
        orgSize = head.size
        server = choice.server
        self.view = view
        self.log = log
        self.largest = largest
    }

    /// The report; to be asked for once.
    mutating func report() throws -> Report {
        let candidates = try search.candidates(in: view)
        let all = candidates.reduce(0) { $0 + $1.records.count }
        var before = 0
        for candidate in candidates {
            if let span = try search.narrowed(candidate, in: view) {
                try add(span) { [progress] in progress(before + $0 - candidate.records.lowerBound, all) }
            }
            before += candidate.records.count
            progress(before, all)
        }
        if writer.count == 0, let server, try !isKnown(server) { throw Refused.unknownServer(server) }
        try file.append(output)
        written += output.count
        for (agent, position) in try search.removals(in: view) {
            try writer.add(removal: try leaf(position), agent: agent)
        }
        for version in policies.sorted() {
            let positions = try log.positions(kind: "policy.bundle", subject: String(version), in: view)
            // A version that was signed again with a later expiry has the digest that it had.
            guard let first = positions.first else { continue }
            try writer.add(bundle: try leaf(first), version: version)
        }
        for position in try log.restarts(in: view) { try writer.add(restart: try leaf(position)) }
        let others = try writer.finish().map { file in
            Report.File(path: file.path, size: file.bytes.count, content: .memory(file.bytes))
        }
        return Report(
            count: writer.count,
            files: [Report.File(path: "records.jsonl", size: written, content: .disk(file))] + others
        )
    }

    /// Whether a server ever had this alias: the registry states each change in the organisation's log.
    private func isKnown(_ server: String) throws -> Bool {
        let change = Array(#""what":"servers/\#(server)""#.utf8)
        let row = try view.first(
            "SELECT 1 AS found FROM org_leaf WHERE kind = 'admin.change' AND instr(leaf, ?) > 0 LIMIT 1",
            [.blob(change)]
        )
        return row != nil
    }

    // MARK: Agents

    private mutating func add(_ span: RecordSearch.Span, _ progress: (Int) -> Void) throws {
        let proof = try ReportedAgent(span, log: log, orgSize: orgSize, in: view)
        try writer.begin(proof.agent)
        try StoredBatch.each(of: span.agent, holding: span.records, in: view) { batch in
            try batch.each(in: span.records) { number, record in try add(record, number: number) }
            try flush()
            progress(batch.next)
            return true
        }
        try writer.end(in: AgentNodes(agent: span.agent, size: proof.size, view: view))
    }

    private mutating func add(_ record: UnsafeBufferPointer<UInt8>, number: Int) throws {
        let facts = try reader.readStored(record)
        guard search.isSelected(facts, record) else { return }
        if let policy = facts.policy?.version, policy != lastPolicy {
            policies.insert(policy)
            lastPolicy = policy
        }
        try writer.add(record, seq: UInt64(number), to: &output)
        guard written + output.count <= largest else { throw Refused.reportTooLarge(bytes: largest) }
    }

    private mutating func flush() throws {
        guard output.count >= Self.piece else { return }
        guard hasRoom() else { throw Refused.noRoom }
        try file.append(output)
        written += output.count
        output.removeAll(keepingCapacity: true)
    }

    private func leaf(_ position: Int) throws -> LoggedLeaf {
        try LoggedLeaf(position, of: orgSize, in: view)
    }
}

extension LoggedLeaf {
    /// The leaf of the organisation's log at this position, proven in its first `size` leaves.
    init(_ position: Int, of size: UInt64, in view: some SQLReading) throws {
        self.init(
            leaf: try OrgLog.leaf(at: position, in: view),
            index: UInt64(position),
            path: try MerkleProof.inclusion(of: UInt64(position), size: size, in: OrgNodes(size: size, view: view))
        )
    }
}
