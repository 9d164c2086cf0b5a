internal import Addresses
internal import Policy
package import StrictJSON

/// An official `server.json` with our settings under `_meta`: what an administrator writes and the registry keeps.
///
/// Closed at every depth: a member that this release does not know could mean something that it then would not do. Only what
/// others keep under `_meta`, under names of their own, is theirs.
package struct RegistryEntry: Sendable, Equatable {
    /// The document as it was given.
    package let json: JSONValue
    /// What it says of the server to people.
    package let summary: ServerSummary
    /// What agents are told of it.
    package let server: ServerEntry
    /// Under which words the catalog has it.
    package let categories: [String]

    /// Our settings' place in `_meta`.
    package static let settingsName: JSONText = "dev.doorward/entry"
    /// Largest document.
    package static let limits = JSONLimits(maxBytes: 64 << 10, maxDepth: 16)

    /// Reads a document; throws `ShapeError` with the member that is wrong.
    package init(_ json: JSONValue) throws {
        self.json = json
        (summary, server, categories) = try ObjectReader.read(json) { reader in
            let summary = try ServerSummary.read(&reader)
            if reader.optional("packages") != nil {
                throw ShapeError(
                    reader.path("packages"),
                    "is not supported: name the program under stdio of our settings"
                )
            }
            let remote = try Self.remote(&reader)
            let meta = try ServerMeta.read(&reader)
            guard let settings = meta.settings else { throw ShapeError(ServerMeta.settingsPlace, "is missing") }
            return try ObjectReader.read(settings, at: ServerMeta.settingsPlace) { settings in
                let categories = try Self.categories(&settings)
                return (summary, try Self.settings(&settings, name: summary.name, remote: remote), categories)
            }
        }
    }

    /// The document that `servers add` makes up.
    package init(
        alias: String,
        url: String,
        authorization: ServerEntry.Authorization,
        allowsLoopback: Bool,
        allowsForeignOwner: Bool = false,
        timeoutSeconds: Int? = nil
    ) throws {
        var auth: JSONObject = ["type": .text(authorization.kind.rawValue)]
        auth["client_id"] = authorization.clientID.map { .text($0) }
        auth["redirect_port"] = authorization.redirectPort.map { .int($0) }
        var settings: JSONObject = ["alias": .text(alias), "auth": .object(auth)]
        if allowsLoopback { settings["allow_loopback"] = true }
        if allowsForeignOwner { settings["allow_foreign_owner"] = true }
        if let timeoutSeconds { settings["timeout_s"] = .int(timeoutSeconds) }
        let remote: JSONValue = ["type": "streamable-http", "url": .text(url)]
        try self.init(alias: alias, settings, ["remotes": .array([remote])])
    }

    /// The document that `servers add --stdio` makes up: what it says now is what is approved.
    package init(alias: String, command: StdioCommand, timeoutSeconds: Int? = nil) throws {
        var settings: JSONObject = ["alias": .text(alias), "stdio": command.approving(command.digest).json]
        if command.hasNetwork { settings["network"] = true }
        if let timeoutSeconds { settings["timeout_s"] = .int(timeoutSeconds) }
        try self.init(alias: alias, settings, JSONObject())
    }

    private init(alias: String, _ settings: JSONObject, _ more: JSONObject) throws {
        var document: JSONObject = [
            "name": .text("local.doorward/\(alias)"),
            "description": .text("The MCP server \(alias)"),
            "version": "1.0.0",
        ]
        for member in more.members { document[member.name] = member.value }
        document["_meta"] = .object([Self.settingsName: .object(settings)])
        try self.init(.object(document))
    }

    /// Throws where the URL names an address at which no agent will call, or the command is not the one that is approved.
    ///
    /// Not part of reading an entry: one that is there already must not keep the others from anybody.
    package func refuseUnreachable() throws(ShapeError) {
        if let command = server.command, !command.isApproved {
            throw ShapeError(
                "_meta/\(Self.settingsName)/stdio/approved",
                "is not the digest of this command, which is \(command.digest)"
            )
        }
        guard let url = server.url.flatMap({ try? ServerURL($0) }), !url.isLoopback, let kind = url.address?.kind else {
            return
        }
        // Addresses of documentation have no owner: examples are written with them.
        guard kind != .global, kind != .reserved else { return }
        guard kind == .local || kind == .shared else {
            throw ShapeError("remotes/0/url", "is \(kind.inWords), where no agent calls")
        }
        guard server.reach.allowsPrivate else {
            throw ShapeError("remotes/0/url", "is \(kind.inWords), which needs allow_private")
        }
    }

    /// Where the official document says that the server is.
    private struct Remote {
        let url: String
        let place: String
        let isEventStream: Bool
    }

    /// The remote; nil where the entry has none.
    private static func remote(_ reader: inout ObjectReader) throws -> Remote? {
        guard let remotes = try reader.optionalElements("remotes") else { return nil }
        guard remotes.count == 1, let remote = remotes.first else {
            throw ShapeError(reader.path("remotes"), "must name exactly one remote")
        }
        return try ObjectReader.read(remote.value, at: remote.place) { reader in
            let type = try reader.text("type")
            guard type == "streamable-http" || type == "sse" else {
                throw ShapeError(reader.path("type"), "must be streamable-http or sse")
            }
            return Remote(url: try reader.text("url"), place: reader.path("url"), isEventStream: type == "sse")
        }
    }

    /// What a search looks at, in lower case.
    package var words: String { ([summary.words] + categories).joined(separator: "\n") }

    private static func categories(_ reader: inout ObjectReader) throws -> [String] {
        let elements = try reader.optionalElements("categories") ?? []
        guard elements.count <= 8 else { throw ShapeError(reader.path("categories"), "has more than 8 members") }
        return try elements.map { element in
            let text = try ObjectReader.text(element.value, at: element.place).string
            guard ServerAlias.isValid(text) else {
                throw ShapeError(element.place, "must be 1 to 32 of a-z, 0-9 and -, not beginning with -")
            }
            return text
        }
    }

    private static func settings(
        _ reader: inout ObjectReader,
        name: String,
        remote: Remote?
    ) throws -> ServerEntry {
        let alias = try reader.alias("alias")
        let authorization = try reader.optionalObject("auth") { try ServerEntry.Authorization(members: &$0) }
        let allowsLoopback = try reader.optionalBool("allow_loopback") ?? false
        let transport = try transport(
            &reader,
            remote,
            authorization ?? ServerEntry.Authorization(kind: .none),
            allowsLoopback: allowsLoopback
        )
        let allowsForeignOwner = try reader.foreignOwner(allowsLoopback: allowsLoopback)
        let timeout =
            reader.optional("timeout_s") == nil ? ServerEntry.standardTimeout : try reader.timeout("timeout_s")
        let limits = try reader.optionalElements("limits") ?? []
        for (index, limit) in limits.enumerated() {
            _ = try LimitRule(limit.value, server: JSONText(alias), index: index, at: limit.place)
        }
        var entry = ServerEntry(
            alias: alias,
            name: name,
            transport: transport,
            authorization: authorization ?? ServerEntry.Authorization(kind: .none),
            allowsLoopback: allowsLoopback,
            allowsForeignOwner: allowsForeignOwner,
            timeoutSeconds: timeout,
            limits: limits.map(\.value)
        )
        entry.pins = try reader.pins()
        entry.annotations = try reader.annotations()
        entry.isolation = try reader.isolation()
        entry.era = try reader.era()
        entry.healthIntervalSeconds = try reader.healthInterval()
        entry.reach = try reader.reach()
        try ServerEntry.check(entry.reach, transport, at: reader.path("stdio"))
        return entry
    }
}

extension RegistryEntry {
    /// Either a remote or a program.
    private static func transport(
        _ reader: inout ObjectReader,
        _ remote: Remote?,
        _ authorization: ServerEntry.Authorization,
        allowsLoopback: Bool
    ) throws -> ServerEntry.Transport {
        if let command = try reader.stdioCommand() {
            guard remote == nil else { throw ShapeError(reader.path("stdio"), "cannot stand beside remotes") }
            try ServerEntry.check(command, authorization, allowsLoopback: allowsLoopback, at: reader.path("stdio"))
            return .stdio(command)
        }
        guard let remote else { throw ShapeError("remotes", "is missing") }
        try ServerEntry.check(url: remote.url, allowsLoopback: allowsLoopback, at: remote.place)
        return remote.isEventStream ? .sse(url: remote.url) : .http(url: remote.url)
    }
}
