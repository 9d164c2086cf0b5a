internal import HTTPTypes
internal import People
internal import StrictJSON

/// `/v1/tokens`: credentials for scripts.
struct TokensRoutes: Sendable {
    let people: People

    /// How long a token lasts if the caller does not say it, in seconds.
    private static let usualLife = 30 * 86_400

    var operations: [Operation] {
        [
            Operation("GET", "/v1/tokens", for: .right(.readTokens)) { call in
                let tokens = try await people.tokens(for: try call.caller())
                return .json(["tokens": .array(tokens.map(\.json))])
            },
            Operation("POST", "/v1/tokens", for: .right(.editTokens)) { call in
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
                    by: try call.caller()
                )
                return .json(token.json, status: .created)
            },
            Operation("DELETE", "/v1/tokens/{name}", for: .right(.editTokens), query: ["enrolled"]) { call in
                let ended = try await people.removeToken(
                    call.parameters[0],
                    enrolled: try call.word("enrolled", EnrolledMachines.self) ?? .keep,
                    by: try call.caller()
                )
                return .json(ended.joined(to: ["name": .text(call.parameters[0])]))
            },
        ]
    }
}
