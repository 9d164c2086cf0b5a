package import MCP
package import StrictJSON

/// How a conversation begins in one era, from how it begins in the other.
package enum Openings {
    static let revision: JSONText = "io.modelcontextprotocol/protocolVersion"
    static let clientInfo: JSONText = "io.modelcontextprotocol/clientInfo"
    static let clientCapabilities: JSONText = "io.modelcontextprotocol/clientCapabilities"
    static let logLevel: JSONText = "io.modelcontextprotocol/logLevel"
    static let serverInfo: JSONText = "io.modelcontextprotocol/serverInfo"
    static let subscriptionID: JSONText = "io.modelcontextprotocol/subscriptionId"

    /// The newest revision of an era.
    package static func newest(_ era: Revisions.Era) -> String {
        (era == .modern ? Revisions.modern : Revisions.handshake).last ?? ""
    }

    /// The revision that a server of the handshake era agrees on where a client asks for this one.
    package static func agreed(on asked: JSONText?) -> String {
        let asked = asked?.string ?? ""
        return Revisions.handshake.contains(asked) ? asked : newest(.handshake)
    }

    /// The answer to `initialize`, from what a modern server says of itself.
    ///
    /// - Parameters:
    ///   - discovered: the result of `server/discover`.
    ///   - revision: what is agreed on with the client.
    ///   - alias: the server's name where it gives none itself.
    /// - Returns: the result of `initialize`.
    package static func initializeResult(_ discovered: RawObject, revision: String, alias: JSONText) -> RawObject {
        var result = RawObject()
        result.set("protocolVersion", .text(revision))
        result.set("capabilities", Capabilities.ofServer(discovered.object("capabilities") ?? RawObject()))
        result["serverInfo"] =
            discovered.object("_meta")?[serverInfo] ?? discovered["serverInfo"] ?? unnamed(alias).bytes
        result["instructions"] = discovered["instructions"]
        return result
    }

    /// The answer to `server/discover`, from what a server of the handshake era says of itself.
    package static func discoverResult(_ initialized: RawObject) -> RawObject {
        var result = RawObject()
        result.set("resultType", "complete")
        result.set("supportedVersions", .array(Revisions.modern.map { .text($0) }))
        result.set("capabilities", Capabilities.ofServer(initialized.object("capabilities") ?? RawObject()))
        result["instructions"] = initialized["instructions"]
        result.set("ttlMs", 0)
        result.set("cacheScope", "private")
        if let info = initialized["serverInfo"] {
            var meta = RawObject()
            meta[serverInfo] = info
            result.set("_meta", meta)
        }
        return result
    }

    /// The parameters of `initialize` on behalf of a modern client.
    ///
    /// - Parameters:
    ///   - meta: `_meta` of its request.
    ///   - asksForAll: whether the server is told that its client can be asked everything.
    /// - Returns: the parameters.
    package static func initializeParams(_ meta: RawObject, asksForAll: Bool = false) -> RawObject {
        var params = RawObject()
        params.set("protocolVersion", .text(newest(.handshake)))
        let declared = meta.object(clientCapabilities) ?? RawObject()
        params.set("capabilities", asksForAll ? Capabilities.all : Capabilities.ofModernClient(declared))
        params["clientInfo"] = meta[clientInfo].map(bounded) ?? unnamed("doorward").bytes
        return params
    }

    private static let longestInfo = 4096

    /// What a client says of itself, which goes with every request and is kept for as long as its session.
    static func bounded(_ info: [UInt8]) -> [UInt8] {
        guard info.count > longestInfo else { return info }
        // Icons may be of any size.
        let named = (RawObject(info) ?? RawObject()).keeping(["name", "version"]).bytes
        return named.count <= longestInfo ? named : unnamed("client").bytes
    }

    private static func unnamed(_ name: JSONText) -> JSONValue {
        ["name": .string(name), "version": "0"]
    }

    /// Whether a result is that of `server/discover`.
    static func isDiscovery(_ result: RawObject) -> Bool {
        result["supportedVersions"] != nil || result["capabilities"] != nil
    }
}

/// What a client of the handshake era said once, and a modern server wants to hear with every request.
package struct ModernClientFacts: Equatable, Sendable {
    package var capabilities: RawObject
    package var info: [UInt8]?
    /// What `logging/setLevel` has set last.
    package var logLevel: JSONText?

    /// - Parameters:
    ///   - params: the parameters of `initialize`.
    ///   - revision: what was agreed on.
    package init(initialize params: RawObject, revision: String) {
        capabilities = Capabilities.ofHandshakeClient(params.object("capabilities") ?? RawObject(), revision: revision)
        info = params["clientInfo"].map(Openings.bounded)
    }

    /// The facts of a client that says nothing of itself: of the agent.
    package init() {
        capabilities = RawObject()
        info = JSONValue.object(["name": "doorward", "version": "0"]).bytes
    }

    /// The parameters of a request with what a modern one has to say.
    package func enveloped(_ params: RawObject, progressToken: [UInt8]?) -> RawObject {
        var params = params
        var meta = params.object("_meta") ?? RawObject()
        meta.set(Openings.revision, .text(Openings.newest(.modern)))
        meta.set(Openings.clientCapabilities, capabilities)
        meta[Openings.clientInfo] = info
        if let logLevel { meta.set(Openings.logLevel, .string(logLevel)) }
        meta["progressToken"] = progressToken
        params.set("_meta", meta)
        return params
    }
}
