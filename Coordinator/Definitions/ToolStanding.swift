internal import Bytes
internal import Database
internal import ServiceKit
package import StrictJSON
package import TransparencyLog

/// One definition of a tool, as administrators see it.
package struct ToolStanding: Sendable, Equatable {
    /// Whether clients are shown it.
    package enum State: String, Sendable {
        case approved, quarantined
    }

    package let server: String
    package let tool: String
    package let state: State
    /// The hash of the definition that this is about.
    package let definition: Hash
    /// The hash of the one that was approved last; nil where none was.
    package let approved: Hash?
    /// What differs from that one, line by line, with every character that is not seen made visible; all of a new tool.
    package let diff: String
    /// When it was reported, or approved, in seconds since 1970.
    package let since: Int
    /// Who approved it; nil for what waits, and for what was there at the first use.
    package let approvedBy: String?
    /// Which machines were shown it, and whether others were shown something else at the same time.
    package let sights: DefinitionSights

    /// As a member of `tools[]`.
    package var json: JSONValue {
        var object: JSONObject = [
            "server": .text(server), "tool": .text(tool), "state": .text(state.rawValue), "diff": .text(diff),
            "definition": .text(definition.base64URL), "approved": approved.map { .text($0.base64URL) } ?? .null,
            "since": .text(UTCTime(seconds: since).text), "approved_by": approvedBy.map { .text($0) } ?? .null,
        ]
        for member in sights.members.members { object[member.name] = member.value }
        return .object(object)
    }

    init(_ stored: StoredDefinition, approved: StoredDefinition?, sights: DefinitionSights) {
        server = stored.server
        tool = stored.tool
        definition = stored.digest
        if let time = stored.approvedAt {
            state = .approved
            self.approved = stored.digest
            diff = ""
            since = time
        } else {
            state = .quarantined
            self.approved = approved?.digest
            diff = JSONDiff.text(from: approved?.text, to: stored.text)
            since = stored.reportedAt
        }
        approvedBy = stored.approvedBy
        self.sights = sights
    }

    private init(_ standing: ToolStanding) {
        server = standing.server
        tool = standing.tool
        state = .approved
        definition = standing.definition
        approved = standing.definition
        diff = standing.diff
        since = standing.since
        approvedBy = standing.approvedBy
        sights = standing.sights
    }

    /// The same once it is approved, with what was approved by that.
    var afterApproval: ToolStanding { ToolStanding(self) }
}

/// One row of the table.
struct StoredDefinition {
    let server: String
    let tool: String
    let digest: Hash
    let text: [UInt8]
    let reportedAt: Int
    let approvedAt: Int?
    let approvedBy: String?

    init(_ row: SQLRow) throws {
        server = try row.text("server")
        tool = try row.text("tool")
        guard let digest = Hash(try row.blob("digest")) else { throw SQLError.schema(column: "digest") }
        self.digest = digest
        text = try row.blob("definition")
        reportedAt = try row.integer("reported_at")
        approvedAt = try row.optionalInteger("approved_at")
        approvedBy = try row.optionalText("email")
    }

    func isSameTool(as other: StoredDefinition) -> Bool {
        server.utf8.elementsEqual(other.server.utf8) && tool.utf8.elementsEqual(other.tool.utf8)
    }
}
