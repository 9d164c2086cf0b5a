internal import AuditLog
internal import Bytes
package import Contract
internal import Database
package import StrictJSON
internal import TransparencyLog

/// One change by an administrator.
package struct StatedChange: Sendable, Equatable {
    /// The position of its leaf in the organisation's log.
    package let position: Int
    /// Microseconds since 1970.
    package let time: Int
    /// The pseudonym of who made it, or `coordinator`.
    package let who: String
    /// The person's e-mail address; nil for what is not a person.
    package let user: String?
    /// What was changed, as a path: `policy`, `servers/github`.
    package let what: String
    /// What was there; nil where nothing was.
    package let before: Side?
    /// What is there now; nil where nothing is.
    package let after: Side?

    /// What was there before a change, or after it.
    package struct Side: Sendable, Equatable {
        /// The SHA-256 in base64url, as the leaf has it.
        package let digest: String
        /// Nil where it is not kept.
        package let text: [UInt8]?

        /// A document as such, any other text as a text.
        var json: JSONValue {
            var object: JSONObject = ["digest": .text(digest)]
            guard let text else { return .object(object) }
            if let document = try? JSONValue(parsing: text) {
                object["document"] = document
            } else {
                object["text"] = String(validating: text, as: UTF8.self).map { .text($0) }
            }
            return .object(object)
        }
    }

    /// As `GET /v1/changes` shows it.
    package var json: JSONValue {
        [
            "position": .int(position), "time": .text(UTCTime(microseconds: time).text), "who": .text(who),
            "user": user.map { .text($0) } ?? .null, "what": .text(what), "before": before?.json ?? .null,
            "after": after?.json ?? .null,
        ]
    }

    init(_ row: SQLRow) throws {
        position = try row.integer("position")
        time = try row.integer("time")
        who = try row.text("who")
        user = try row.optionalText("email")
        what = try row.text("what")
        guard case .adminChange(let change) = try OrgLeaf(parsing: try row.blob("leaf")).body else {
            throw AuditSinkError.damaged("leaf \(position) of the organisation's log is not a change")
        }
        before = try Self.side(change.before, try row.optionalBlob("before_text"))
        after = try Self.side(change.after, try row.optionalBlob("after_text"))
    }

    private static func side(_ digest: Hash?, _ text: [UInt8]?) throws -> Side? {
        guard let digest else { return nil }
        // Read from a file that a person with access to it can change: what does not fit is not shown for it.
        return Side(digest: digest.base64URL, text: text.flatMap { Hash.of($0) == digest ? $0 : nil })
    }
}

/// A change with what proves it to anybody who has the coordinator's key.
package struct ProvenChange: Sendable {
    package let change: StatedChange
    /// Its leaf, with the path to the root of `checkpoint`.
    package let leaf: ProvenLeaf
    /// The signed state of the organisation's log.
    package let checkpoint: String

    /// As `GET /v1/changes/{position}` shows it.
    package var json: JSONValue {
        var object = change.json.object ?? [:]
        object["proof"] = leaf.json
        object["checkpoint"] = .text(checkpoint)
        return .object(object)
    }
}

extension Refused {
    static let unknownChange = Refused(
        "unknown_change",
        "The organisation's log has no change at this position.",
        next: "See which there are: doorward admin changes"
    )
}
