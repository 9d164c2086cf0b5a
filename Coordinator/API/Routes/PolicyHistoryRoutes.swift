internal import Contract
internal import HTTPTypes
internal import PolicyStore
internal import Rights
internal import StrictJSON

/// `/v1/policy/versions`: every policy that was ever in force, with who applied it and why.
struct PolicyHistoryRoutes: Sendable {
    let desk: PolicyStore

    var operations: [Operation] {
        [
            Operation("GET", "/v1/policy/versions", for: Right.ReadPolicy.self, query: Paging.fields) { call, permit in
                try .list("versions", try await desk.history(try call.page(), for: permit)) { .object($0.summary) }
            },
            Operation("GET", "/v1/policy/versions/{version}", for: Right.ReadPolicy.self) { call, permit in
                .json(try await desk.version(try Self.version(call.parameters[0]), for: permit).json)
            },
            Operation(
                "GET",
                "/v1/policy/versions/{version}/diff",
                for: Right.ReadPolicy.self,
                query: ["from"]
            ) { call, permit in
                let version = try Self.version(call.parameters[0])
                let former = try RequestTarget.numbers(of: call.query)["from"] ?? version - 1
                let diff = try await desk.difference(from: former, to: version, for: permit)
                return .json(["from": .int(former), "to": .int(version), "diff": .text(diff)])
            },
            Operation(
                "POST",
                "/v1/policy/versions/{version}/roll-back",
                for: Right.EditPolicy.self
            ) { call, permit in
                let version = try Self.version(call.parameters[0])
                let reason = try call.body.isEmpty ? nil : call.document { try $0.optionalText("why") }
                let policy = try await desk.rollBack(
                    to: version,
                    expecting: try call.expectation(),
                    why: try reason.map { try ChangeReason($0) },
                    by: permit
                )
                return .json(policy.json, headers: PolicyRoutes.headers(policy))
            },
        ]
    }

    /// The version that a path names.
    private static func version(_ segment: String) throws -> Int {
        guard segment.utf8.count <= 15, let version = Int(segment), version > 0, String(version) == segment else {
            throw Problem.noSuchPath
        }
        return version
    }
}
