internal import Contract
internal import HTTPTypes
internal import PolicyStore
internal import PolicyFile
internal import Rights
internal import StrictJSON

/// `/v1/policy` and `/v1/roles`.
struct PolicyRoutes: Sendable {
    let desk: PolicyStore

    /// As large as a bundle, with room for the tests and texts that are not in it.
    private static let largest = 2 << 20

    var operations: [Operation] {
        [
            Operation("GET", "/v1/policy", for: Right.ReadPolicy.self) { call, permit in
                let policy = try await desk.current(for: permit)
                let headers = Self.headers(policy)
                guard try !Self.isKnown(policy, to: call) else {
                    return .notModified(headers)
                }
                return Answer(type: policy.mediaType, bytes: policy.file.bytes, headers: headers)
            },
            Operation("PUT", "/v1/policy", for: Right.EditPolicy.self, largestBody: Self.largest) { call, permit in
                let policy = try await desk.apply(
                    call.body,
                    expecting: try Self.expectation(of: call),
                    why: try Self.reason(of: call),
                    by: permit
                )
                return .json(policy.json, headers: Self.headers(policy))
            },
            Operation("POST", "/v1/policy/check", for: Right.CheckPolicy.self, largestBody: Self.largest) { call, permit in
                let (problems, warnings) = try await desk.check(call.body, for: permit)
                return .json([
                    "ok": .bool(problems.isEmpty),
                    "problems": .array(problems.map { FieldProblem($0.place, $0.why).json }),
                    "warnings": .array(warnings.map { FieldProblem($0.place, $0.why).json }),
                ])
            },
            Operation("GET", "/v1/roles", for: Right.ReadPeople.self) { _, permit in
                .json(["roles": try await desk.roles(for: permit)])
            },
        ]
    }

    /// What the caller believes to be in force.
    static func expectation(of call: Call) throws -> PolicyExpectation? {
        // A malformed list of tags does not name the one in force (RFC 9110 section 13.1.1).
        try call.header(.ifMatch).map { EntityTags($0)?.expectation ?? .oneOf([]) }
    }

    /// Why the caller changes the policy, from the header `Doorward-Why`: UTF-8, percent-encoded where it is not printable
    /// ASCII.
    private static func reason(of call: Call) throws -> ChangeReason? {
        guard let name = HTTPField.Name("Doorward-Why"), let text = try call.header(name) else { return nil }
        guard let bytes = PercentCoding.bytes(text), let reason = String(validating: bytes, as: UTF8.self) else {
            throw Problem.badHeader(name.canonicalName)
        }
        return try ChangeReason(reason)
    }

    static func headers(_ policy: AppliedPolicy) -> HTTPFields {
        var headers: HTTPFields = [.eTag: "\"\(policy.tag)\""]
        if let name = HTTPField.Name("Doorward-Policy-Version") { headers[name] = "\(policy.version)" }
        return headers
    }

    /// Whether the caller says that it has this policy already.
    private static func isKnown(_ policy: AppliedPolicy, to call: Call) throws -> Bool {
        guard let header = try call.header(.ifNoneMatch) else { return false }
        guard let tags = EntityTags(header) else { throw Problem.badHeader("If-None-Match") }
        return tags.matches(policy.tag)
    }
}

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

    var expectation: PolicyExpectation {
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

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let bytes = Array(utf8)
        let start = bytes.firstIndex { !isSpace($0) } ?? bytes.count
        let end = bytes.lastIndex { !isSpace($0) } ?? -1
        return start <= end ? String(decoding: bytes[start...end], as: UTF8.self) : ""
    }
}
