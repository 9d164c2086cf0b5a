internal import Contract
internal import Database
internal import HTTPTypes
internal import People
internal import Policy
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/users`: the people.
struct PeopleRoutes: Sendable {
    let people: People

    var operations: [Operation] {
        [
            Operation(
                "GET",
                "/v1/users",
                for: Right.ReadPeople.self,
                query: Paging.fields.union(["role", "email", "locked"])
            ) { call, permit in
                var filter = People.Filter()
                filter.role = try call.word("role", Role.self)
                filter.email = call.query["email"]
                filter.isLocked = try call.flag("locked")
                return try .list("users", try await people.users(filter, try call.page(), for: permit)) { user in
                    user.json.tagged(try user.tag)
                }
            },
            Operation("GET", "/v1/users/{id}", for: Right.ReadPeople.self) { call, permit in
                let user = try await people.user(call.parameters[0], for: permit)
                return .tagged(user.json, try user.tag)
            },
            Operation("PUT", "/v1/users/{id}", for: Right.EditPeople.self) { call, permit in
                let role = try call.document { reader in try reader.word("role", Role.self) }
                let (user, ended) = try await people.setRole(
                    role,
                    of: call.parameters[0],
                    expecting: try call.expectation(),
                    by: permit
                )
                return .tagged(ended.joined(to: user.json), try user.tag)
            },
            Operation(
                "DELETE",
                "/v1/users/{id}",
                for: Right.EditPeople.self,
                query: ["enrolled"]
            ) { call, permit in
                let (user, ended) = try await people.remove(
                    call.parameters[0],
                    enrolled: try call.word("enrolled", EnrolledMachines.self) ?? .keep,
                    expecting: try call.expectation(),
                    by: permit
                )
                return .json(ended.joined(to: user.json))
            },
            Operation("PUT", "/v1/users/{id}/lock", for: Right.RevokeMachines.self) { call, permit in
                let why = try call.body.isEmpty ? nil : call.document { reader in try reader.optionalText("why") }
                let user = try await people.lock(call.parameters[0], why: why, by: permit)
                return .tagged(user.json, try user.tag)
            },
            Operation("DELETE", "/v1/users/{id}/lock", for: Right.RevokeMachines.self) { call, permit in
                let user = try await people.unlock(call.parameters[0], by: permit)
                return .tagged(user.json, try user.tag)
            },
        ]
    }
}
