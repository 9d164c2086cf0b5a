internal import Bytes
package import Contract
internal import Database
package import StrictJSON
internal import TransparencyLog

/// A server that somebody has published and an administrator has not signed off: nothing that agents hear of.
package struct Proposal: Sendable, Equatable {
    /// What has become of it.
    package enum State: String, CaseIterable, Sendable {
        case waiting, approved, rejected
    }

    /// What its source says of this version.
    package enum Status: String, CaseIterable, Sendable {
        case active, deprecated, deleted
    }

    /// Made of source, document and status: the same id is the same proposal.
    package let id: String
    /// The name of the upstream registry; empty for what an administrator has brought in.
    package let source: String
    package let document: ServerDocument
    /// The file that it came in, where it was one.
    package let place: String?
    package let status: Status
    package let statusMessage: String?
    package let state: State
    /// Seconds since 1970.
    package let madeAt: Int
    package let decidedAt: Int?

    package var name: String { document.summary.name }
    package var version: String { document.summary.version }

    /// What a source says, before it is stored.
    init(
        source: String,
        document: ServerDocument,
        place: String? = nil,
        status: Status = .active,
        statusMessage: String? = nil,
        madeAt: Int
    ) {
        self.source = source
        self.document = document
        self.place = place
        self.status = status
        self.statusMessage = statusMessage
        state = .waiting
        self.madeAt = madeAt
        decidedAt = nil
        id = Self.id(source, document.json.bytes, status)
    }

    init(_ row: SQLRow) throws {
        source = try row.text("source")
        let json = try JSONValue(parsing: try row.blob("document"), limits: ServerDocument.limits)
        document = try ServerDocument(json, isOpen: true)
        place = try row.optionalText("place")
        guard let status = Status(rawValue: try row.text("status")) else { throw SQLError.schema(column: "status") }
        guard let state = State(rawValue: try row.text("state")) else { throw SQLError.schema(column: "state") }
        self.status = status
        statusMessage = try row.optionalText("status_message")
        self.state = state
        madeAt = try row.integer("made_at")
        decidedAt = try row.optionalInteger("decided_at")
        id = try row.text("id")
    }

    /// 128 bits, so that nobody can make two documents of one id; a letter first, as commands take `-` for an option.
    private static func id(_ source: String, _ document: [UInt8], _ status: Status) -> String {
        let digest = Hash.of(Array(source.utf8) + [0] + Array(status.rawValue.utf8) + [0] + document)
        return "p\(Base64.url(Array(digest.bytes.prefix(16))))"
    }

    /// As a member of `proposals[]`, with the ways in which it is offered.
    ///
    /// - Parameter alias: the server in use that it is a later version of; nil where there is none.
    /// - Returns: the object.
    package func json(updates alias: String?) -> JSONValue {
        var object: JSONObject = [
            "id": .text(id), "name": .text(name), "version": .text(version),
            "title": document.summary.title.map { .text($0) } ?? .null,
            "description": .text(document.summary.description), "source": .text(source),
            "state": .text(state.rawValue), "status": .text(status.rawValue),
            "updates": alias.map { .text($0) } ?? .null,
            "since": .text(UTCTime(seconds: decidedAt ?? madeAt).shortText),
            "offers": .array(ServerOffer.all(of: document).map(\.json)),
        ]
        object["status_message"] = statusMessage.map { .text($0) }
        object["file"] = place.map { .text($0) }
        if !document.unknown.isEmpty { object["unknown"] = .array(document.unknown.map { .text($0) }) }
        return .object(object)
    }
}
