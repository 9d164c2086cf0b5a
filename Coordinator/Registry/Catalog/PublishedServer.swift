internal import Contract
package import StrictJSON

/// A version of a server as the official Registry API gives it to clients.
///
/// It is offered at the address of the user's own agent, with the credential of the client: a client that was sent to the
/// server itself would go around the policy, the records and the keyring. Where the server really is, only those are told
/// who may read the registry, such as another coordinator.
package struct PublishedServer {
    private let version: ServerVersion
    private let agent: String
    private let isWhole: Bool

    /// Where the document of the registry stands in `_meta` of an answer.
    package static let sourceName: JSONText = "dev.doorward/server"

    /// - Parameters:
    ///   - version: what is published.
    ///   - agent: the address of users' agents, without a slash at its end.
    ///   - shown: whether the registry's own document goes along.
    package init(_ version: ServerVersion, agent: String, for shown: CatalogView) {
        self.version = version
        self.agent = agent
        isWhole = shown == .registry
    }

    /// As a member of `servers[]`, and alone.
    package var json: JSONValue {
        var meta: JSONObject = [ServerMeta.officialName: version.official]
        if isWhole { meta[Self.sourceName] = source }
        return ["server": .object(server), "_meta": .object(meta)]
    }

    private var server: JSONObject {
        var server = version.entry.summary.members
        // Some clients take no server whose schema is another one than that of their release, and none is needed.
        server["$schema"] = nil
        server["name"] = .text(version.listed)
        server["remotes"] = [
            [
                "type": "streamable-http", "url": .text("\(agent)/servers/\(version.alias)/mcp"),
                "headers": [Self.credential],
            ]
        ]
        return server
    }

    /// Under the name that it is listed by, so that one server is one name on both sides.
    private var source: JSONValue {
        guard case .object(var document) = version.entry.json else { return version.entry.json }
        document["name"] = .text(version.listed)
        return .object(document)
    }

    private static let credential: JSONValue = [
        "name": "Authorization", "isRequired": true, "isSecret": true, "value": "Bearer {doorward_credential}",
        "description": "The credential of this client at your agent",
        "variables": [
            "doorward_credential": [
                "description": "What `doorward client add NAME` prints for this client", "isRequired": true,
                "isSecret": true,
            ]
        ],
    ]
}
