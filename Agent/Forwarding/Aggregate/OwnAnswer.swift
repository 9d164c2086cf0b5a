internal import MCP
internal import StrictJSON

/// What the agent itself answers in place of a server.
enum OwnAnswer {
    /// How it calls itself to clients.
    static let serverInfo: JSONValue = ["name": "doorward", "version": "1"]

    /// The response with a result, as the era has it.
    static func body(_ result: JSONObject, id: [UInt8], era: Revisions.Era) -> [UInt8] {
        var result = result
        if era == .modern {
            result["resultType"] = "complete"
            var meta = result["_meta"]?.object ?? JSONObject()
            meta["io.modelcontextprotocol/serverInfo"] = serverInfo
            result["_meta"] = .object(meta)
        }
        return Array(#"{"jsonrpc":"2.0","id":"#.utf8) + id + Array(#","result":"#.utf8) + JSONValue.object(result).bytes
            + Array("}".utf8)
    }
}

extension ClientConnection {
    /// Answers with a message of the agent's own; with the session that begins with it, if one does.
    func answer(_ body: [UInt8], session: JSONText?) {
        var head = ReplyHead(status: 200, body: .length(body.count))
        guard let session else { return answer(head, body) }
        session.utf8.withUnsafeBufferPointer { id in
            head.session = id
            answer(head, body)
        }
    }
}
