package import StrictJSON

/// An official `server.json` as its maker has published it: what a server is, and the ways in which it is offered.
///
/// It says nothing of how an organisation uses the server: a `RegistryEntry` does, and is made of one of the ways.
package struct ServerDocument: Sendable, Equatable {
    /// A server that is called by its URL.
    package struct Remote: Sendable, Equatable {
        /// `streamable-http` or `sse`.
        package let type: String
        /// With `{names}` of variables in it.
        package let url: String
        package let headers: [NamedInput]
        package let variables: [String: ServerInput]
    }

    /// A server that is a program.
    package struct Package: Sendable, Equatable {
        /// `pypi`, `npm` and others.
        package let registry: String
        /// Where it is looked for; nil for the usual place.
        package let base: String?
        package let identifier: String
        package let version: String?
        /// The program that gets and starts it, such as `uvx`.
        package let hint: String?
        /// How it speaks: `stdio` or one of those of remotes.
        package let transport: String
        package let runtimeArguments: [ProgramArgument]
        package let arguments: [ProgramArgument]
        package let environment: [NamedInput]
    }

    /// As it came.
    package let json: JSONValue
    package let summary: ServerSummary
    package let remotes: [Remote]
    package let packages: [Package]
    package let meta: ServerMeta
    /// Members of the document that mean nothing here.
    package let unknown: [String]

    /// Largest document.
    package static let limits = RegistryEntry.limits
    /// How many remotes, and how many packages, are read.
    private static let mostOffers = 32

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - json: what is read.
    ///   - isOpen: whether members that mean nothing here are noted and passed over, as in documents of later revisions that
    ///     others publish. Somebody's own file that has one is mistaken.
    /// - Throws: `ShapeError`, with the member that is wrong.
    package init(_ json: JSONValue, isOpen: Bool = false) throws {
        guard case .object(let object) = json else { throw ShapeError("", "must be an object") }
        var reader = ObjectReader(object, at: "")
        summary = try ServerSummary.read(&reader)
        meta = try ServerMeta.read(&reader)
        remotes = try Self.list("remotes", of: &reader, Self.remote)
        packages = try Self.list("packages", of: &reader, Self.package)
        let known = summary.members.names + ["remotes", "packages", "_meta"]
        unknown = isOpen ? object.names.filter { !known.contains($0) }.map(\.string) : []
        if isOpen { reader.ignoreOthers() }
        try reader.finish()
        self.json = json
    }

    private static func list<Offer>(
        _ name: JSONText,
        of reader: inout ObjectReader,
        _ read: (inout ObjectReader) throws -> Offer
    ) throws -> [Offer] {
        let elements = try reader.optionalElements(name) ?? []
        guard elements.count <= mostOffers else {
            throw ShapeError(reader.path(name), "has more than \(mostOffers) members")
        }
        return try elements.map { try ObjectReader.read($0.value, at: $0.place, read) }
    }

    private static func remote(_ reader: inout ObjectReader) throws -> Remote {
        let type = try reader.word("type", RemoteType.self)
        return Remote(
            type: type.rawValue,
            url: try reader.prose("url", longest: 2048),
            headers: try NamedInput.list("headers", of: &reader),
            variables: try ServerInput.variables(&reader)
        )
    }

    private static func package(_ reader: inout ObjectReader) throws -> Package {
        _ = try reader.optionalProse("fileSha256", longest: 64)
        return Package(
            registry: try reader.prose("registryType", longest: 64),
            base: try reader.optionalProse("registryBaseUrl", longest: 2048),
            identifier: try reader.prose("identifier", longest: 2048),
            version: try reader.optionalProse("version", longest: 255),
            hint: try reader.optionalProse("runtimeHint", longest: 64),
            transport: try reader.object("transport") { transport in
                let type = try transport.prose("type", longest: 64)
                _ = try transport.optionalProse("url", longest: 2048)
                _ = try NamedInput.list("headers", of: &transport)
                _ = try ServerInput.variables(&transport)
                return type
            },
            runtimeArguments: try ProgramArgument.list("runtimeArguments", of: &reader),
            arguments: try ProgramArgument.list("packageArguments", of: &reader),
            environment: try NamedInput.list("environmentVariables", of: &reader)
        )
    }

    /// The ways to speak to a remote.
    private enum RemoteType: String, CaseIterable {
        case streamable = "streamable-http"
        case sse
    }
}
