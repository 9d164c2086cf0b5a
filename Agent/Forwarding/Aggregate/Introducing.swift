internal import MCP
internal import StrictJSON

/// A request that waits to be looked at again.
final class Waiting: Gathering {
    let isStream = false
    func clientGone() {}
    func clientWritable(_ isWritable: Bool) {}
}

/// A beginning that waits until the servers have introduced themselves.
final class Introducing: Gathering {
    let isStream = false
    private let connection: ClientConnection
    private let id: [UInt8]
    private let method: MCPMethod
    private let asker: Asker
    private let asked: JSONText?

    init(connection: ClientConnection, request: EveryServerRequest, asker: Asker) {
        self.connection = connection
        self.asker = asker
        id = request.literalID
        method = request.envelope.method
        asked = request.params["protocolVersion"]?.string
    }

    func clientGone() {}
    func clientWritable(_ isWritable: Bool) {}

    func introduced(_ servers: [(alias: JSONText, facts: ServerFacts)]) {
        guard connection.gathering === self else { return }
        connection.gathering = nil
        let isHandshake = method == .initialize
        let facts = servers.map(\.facts)
        var result = JSONObject()
        if isHandshake {
            result["protocolVersion"] = .string(Introduction.revision(asked))
        } else {
            result["supportedVersions"] = .array(Revisions.modern.map { .text($0) })
        }
        result["capabilities"] = Introduction.capabilities(facts)
        if isHandshake { result["serverInfo"] = OwnAnswer.serverInfo }
        result["instructions"] = Introduction.instructions(servers).map { .text($0) }
        if !isHandshake {
            // What is here depends on who asks, and on which servers there are.
            result["ttlMs"] = 0
            result["cacheScope"] = "private"
        }
        let body = OwnAnswer.body(result, id: id, era: isHandshake ? .handshake : .modern)
        connection.answer(body, session: isHandshake ? asker.session?.key.id : nil)
    }
}
