internal import AuditReport
internal import Database
internal import StrictJSON
internal import TransparencyLog

/// What a report says of one agent besides its records, and in which state of its log they are proven.
struct ReportedAgent: Sendable {
    let agent: ReportAgent
    /// The size of the log in that state: of the first upload that holds the last of the records.
    let size: UInt64

    init(_ span: RecordSearch.Span, log: OrgLog, orgSize: UInt64, in view: some SQLReading) throws {
        let id = span.agent
        let person = try view.first(
            "SELECT email FROM agent JOIN person USING (sub) WHERE agent_id = ?",
            [.text(id)]
        )
        let upload = try view.first(
            "SELECT next, note, org_position FROM agent_batch WHERE agent_id = ? AND next >= ? ORDER BY next LIMIT 1",
            [.text(id), .integer(span.records.upperBound)]
        )
        guard let stored = try StoredAgent.find(id, in: view), let person, let upload else {
            throw AuditSinkError.damaged("agent \(id) has records and is not there")
        }
        guard let enrolment = try log.positions(kind: "key.enrol", subject: id, in: view).first else {
            throw AuditSinkError.damaged("agent \(id) was enrolled without a leaf")
        }
        let revocation = try log.positions(kind: "key.revoke", subject: id, in: view).first
        size = UInt64(try upload.integer("next"))
        agent = ReportAgent(
            agent: id,
            publicKey: stored.key,
            sub: JSONText(stored.sub),
            user: JSONText(try person.text("email")),
            checkpoint: try Note(parsing: try upload.blob("note")),
            logged: try LoggedLeaf(try upload.integer("org_position"), of: orgSize, in: view),
            enrolment: try LoggedLeaf(enrolment, of: orgSize, in: view),
            revocation: try revocation.map { try LoggedLeaf($0, of: orgSize, in: view) }
        )
    }
}
