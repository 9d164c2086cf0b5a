internal import Database
internal import HTTPTypes
internal import People
internal import Rights
internal import StrictJSON

/// `/v1/tokens`: credentials for scripts.
struct TokensRoutes: Sendable {
    let people: People

    /// How long a token lasts if the caller does not say it, in seconds.
    private static let usualLife = 30 * 86_400

    var operations: [Operation] {
        [
            Operation(
                "GET",
                "/v1/tokens",
                for: Right.ReadTokens.self,
                query: Paging.fields.union(["user"])
            ) { call, permit in
                let page = try await people.tokens(of: call.query["user"], try call.page(), for: permit)
                return try .list("tokens", page) { token in token.json.tagged(try token.tag) }
            },
            Operation("POST", "/v1/tokens", for: Right.EditTokens.self) { call, permit in
                let question = try call.document { reader in
                    (
                        name: try reader.text("name"),
                        scopes: try reader.elements("scopes").map { element -> Scope in
                            try ObjectReader.word(element.value, at: element.place)
                        },
                        seconds: try reader.optionalInt("expires_in") ?? Self.usualLife
                    )
                }
                let token = try await people.addToken(
                    question.name,
                    scopes: Set(question.scopes),
                    seconds: question.seconds,
                    by: permit
                )
                return .tagged(token.json, try token.token.tag, status: .created)
            }.making(),
            Operation("DELETE", "/v1/tokens/{name}", for: Right.EditTokens.self, query: ["enrolled"]) { call, permit in
                let ended = try await people.removeToken(
                    call.parameters[0],
                    enrolled: try call.word("enrolled", EnrolledMachines.self) ?? .keep,
                    expecting: try call.expectation(),
                    by: permit
                )
                return .json(ended.joined(to: ["name": .text(call.parameters[0])]))
            },
        ]
    }
}
