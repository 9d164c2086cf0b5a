internal import Errors
package import StrictJSON

/// What the coordinator answers instead of a result: RFC 9457.
package struct Problem: ExplainedError, Equatable {
    /// Ends the type, after the last slash; scripts go by it.
    package let code: String
    /// The HTTP status.
    package let status: Int
    /// What kind of problem this is, the same for all of a code.
    package let title: String
    /// What happened this time; safe to show.
    package let detail: String
    package let next: String?
    /// Further members.
    package var members: JSONObject

    /// A problem with the given text.
    package init(
        _ code: String,
        status: Int,
        title: String,
        detail: String,
        next: String? = nil,
        members: JSONObject = JSONObject()
    ) {
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.next = next
        self.members = members
    }

    package var message: String { detail.isEmpty ? title : detail }

    /// Whether the coordinator does not take this machine any more: leaving is all that is left to do.
    package var needsUser: Bool {
        [SignatureRefusal.revokedKey.rawValue, SignatureRefusal.unknownKey.rawValue].contains(code)
    }

    /// The media type of a problem.
    package static let mediaType = "application/problem+json"

    /// The type: a URI that no client needs to fetch.
    package var type: String { Self.typePrefix + code }

    package var json: JSONValue {
        var object: JSONObject = [
            "type": .text(type), "title": .text(title), "status": .int(status), "detail": .text(detail),
        ]
        if let next { object["next"] = .text(next) }
        for member in members.members { object[member.name] = member.value }
        return .object(object)
    }

    /// Reads a problem of the coordinator; nil if the document is not one.
    ///
    /// Open to further members, as RFC 9457 asks: it is shown to people, nothing is decided on what is not known.
    package init?(_ json: JSONValue) {
        guard var object = json.object, let type = object["type"]?.text, type.hasPrefix(Self.typePrefix),
            let status = object["status"]?.int, (400...599).contains(status)
        else { return nil }
        code = String(type.dropFirst(Self.typePrefix.count))
        self.status = status
        title = object["title"]?.text ?? ""
        detail = object["detail"]?.text ?? ""
        next = object["next"]?.text
        for name in ["type", "status", "title", "detail", "next"] as [JSONText] { object[name] = nil }
        members = object
    }

    private static let typePrefix = "tag:doorward.dev,2026:problem/"
}

/// One thing that is wrong with a document that a client sent, and where.
package struct FieldProblem: Hashable, Sendable {
    /// The path of the member.
    package let place: String
    /// What is wrong with it.
    package let why: String

    /// `why` is wrong at `place`.
    package init(_ place: String, _ why: String) {
        self.place = place
        self.why = why
    }

    /// As a member of `problems[]`.
    package var json: JSONValue { ["where": .text(place), "why": .text(why)] }

    /// Reads the members of `problems[]`.
    package static func list(_ json: JSONValue?) -> [FieldProblem] {
        (json?.array ?? []).map { FieldProblem($0["where"]?.text ?? "", $0["why"]?.text ?? "") }
    }
}
