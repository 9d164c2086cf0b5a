internal import Contract
internal import HTTPTypes
internal import Rights
internal import StrictJSON

/// The value of `If-Match` or `If-None-Match` (RFC 9110 section 13.1).
enum EntityTags: Equatable, Sendable {
    case any
    /// Without their quotation marks; weak ones never match and are left out.
    case some(Set<String>)

    /// Reads a list; nil if it is malformed.
    init?(_ text: String) {
        let text = text.trimmingSpaces
        guard text != "*" else {
            self = .any
            return
        }
        var tags: Set<String> = []
        // No tag of ours holds a comma; a foreign one that does is then refused, not misread.
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmingSpaces
            let isWeak = part.hasPrefix("W/")
            let quoted = isWeak ? part.dropFirst(2) : part[...]
            guard quoted.utf8.count >= 2, quoted.hasPrefix("\""), quoted.hasSuffix("\"") else { return nil }
            let tag = quoted.dropFirst().dropLast()
            // A blank is not one of RFC 9110's characters here; no resource has a tag with one, so it matches nothing.
            guard tag.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") }) else { return nil }
            if !isWeak { tags.insert(String(tag)) }
        }
        self = .some(tags)
    }

    var expectation: Expectation {
        switch self {
        case .any: .anything
        case .some(let tags): .oneOf(tags)
        }
    }

    func matches(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .some(let tags): tags.contains(tag)
        }
    }
}

extension Call {
    /// What the caller says in `If-Match` that it believes to be stored; nil where it says nothing.
    func expectation() throws -> Expectation? {
        // A malformed list of tags does not name what is there (RFC 9110 section 13.1.1).
        try header(.ifMatch).map { EntityTags($0)?.expectation ?? .oneOf([]) }
    }

    /// The same where the caller has to say it; throws a `Refused`, `precondition_required`.
    func requiredExpectation() throws -> Expectation {
        guard let expectation = try expectation() else { throw Refused.preconditionRequired }
        return expectation
    }
}

extension Answer {
    /// A document that can be changed, with its tag as the header `ETag` and as the member `etag`.
    static func tagged(_ json: JSONValue, _ tag: String, status: HTTPResponse.Status = .ok) -> Answer {
        .json(json.tagged(tag), status: status, headers: [.eTag: "\"\(tag)\""])
    }
}

extension JSONValue {
    /// The object with its entity tag, as it goes into `If-Match`.
    func tagged(_ tag: String) -> JSONValue {
        var object = object ?? [:]
        object["etag"] = .text("\"\(tag)\"")
        return .object(object)
    }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let bytes = Array(utf8)
        let start = bytes.firstIndex { !isSpace($0) } ?? bytes.count
        let end = bytes.lastIndex { !isSpace($0) } ?? -1
        return start <= end ? String(decoding: bytes[start...end], as: UTF8.self) : ""
    }
}
