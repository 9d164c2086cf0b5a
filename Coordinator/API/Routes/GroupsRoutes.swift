internal import Contract
internal import Database
internal import HTTPTypes
internal import People
internal import Policy
internal import Rights
internal import StrictJSON

/// `/v1/groups`: which people belong together, for the policy to bind to roles.
struct GroupsRoutes: Sendable {
    let groups: Groups

    var operations: [Operation] {
        [
            Operation("GET", "/v1/groups", for: Right.ReadPeople.self, query: Paging.fields) { call, permit in
                try .list("groups", try await groups.list(try call.page(), for: permit)) { group in
                    group.json.tagged(try group.tag)
                }
            },
            Operation("GET", "/v1/groups/{name}", for: Right.ReadPeople.self) { call, permit in
                let group = try await groups.group(call.parameters[0], for: permit)
                return .tagged(group.json, try group.tag)
            },
            Operation("PUT", "/v1/groups/{name}", for: Right.EditPeople.self, largestBody: 1 << 20) { call, permit in
                let members = try call.document { reader in
                    try reader.elements("members").map { element in
                        let text = try ObjectReader.text(element.value, at: element.place).string
                        guard let email = EmailAddress(text) else { throw Refused.badEmail(at: element.place) }
                        return email
                    }
                }
                return try await answer(call, members, permit)
            },
            Operation("DELETE", "/v1/groups/{name}", for: Right.EditPeople.self) { call, permit in
                try await answer(call, [], permit)
            },
        ]
    }

    private func answer(
        _ call: Call,
        _ members: [EmailAddress],
        _ permit: Permit<Right.EditPeople>
    ) async throws -> Answer {
        let group = try await groups.put(
            call.parameters[0],
            members: members,
            expecting: try call.expectation(),
            by: permit
        )
        return .tagged(group.json, try group.tag)
    }
}
