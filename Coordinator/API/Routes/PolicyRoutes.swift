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
                    expecting: try call.expectation(),
                    why: try Self.reason(of: call),
                    by: permit
                )
                return .json(policy.json, headers: Self.headers(policy))
            },
            Operation("POST", "/v1/policy/check", for: Right.CheckPolicy.self, largestBody: Self.largest) {
                call,
                permit in
                let (problems, warnings) = try await desk.check(call.body, for: permit)
                let (version, diff) = try await desk.difference(to: call.body, for: permit)
                return .json([
                    "ok": .bool(problems.isEmpty),
                    "problems": .array(problems.map { FieldProblem($0.place, $0.why).json }),
                    "warnings": .array(warnings.map { FieldProblem($0.place, $0.why).json }),
                    "diff": .text(diff), "compared_with": .int(version),
                ])
            },
            Operation("GET", "/v1/roles", for: Right.ReadPeople.self) { _, permit in
                .json(["roles": try await desk.roles(for: permit)])
            },
        ]
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
