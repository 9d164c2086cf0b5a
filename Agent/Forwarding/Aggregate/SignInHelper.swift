internal import AuditLog
internal import MCP
internal import StrictJSON

/// The one tool of a server whose user has to sign in first: it says so, and how.
enum SignInHelper {
    /// The helper as it stands in the list of tools.
    static func entry(_ server: JSONText) -> ListPart.Entry {
        let name = ExposedName.signIn(server)
        let entry: JSONValue = [
            "name": .string(name),
            "description": .text(
                "The tools of \(server) are there once its user has signed in: run `doorward connect \(server)`. This tool says "
                    + "the same."
            ),
            "inputSchema": ["type": "object", "properties": [:]],
            "annotations": ["readOnlyHint": true],
            "_meta": ["dev.doorward/server": .string(server)],
        ]
        return ListPart.Entry(own: name, exposed: name, bytes: entry.bytes)
    }

    /// Answers a call of it; on record is what is true, that the server could not be asked without a sign-in.
    static func answer(_ request: EveryServerRequest, _ server: ServedServer) {
        let refusal = Refusal.credential(.needsSignIn, server: server.alias)
        let connection = request.connection
        _ = connection.gate.records.deny(request.facts.of(server: server.alias), refusal)
        server.metrics.countRefusal(isLimit: false)
        let words = "\(refusal.words()) The tools of \(server.alias) are in the list of tools then."
        request.answer(["content": [["type": "text", "text": .text(words)]], "isError": false])
    }
}
