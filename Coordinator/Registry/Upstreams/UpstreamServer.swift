internal import Contract
internal import StrictJSON

/// One member of `servers[]` of an upstream registry.
struct UpstreamServer {
    let name: String
    let document: ServerDocument
    let status: Proposal.Status
    let statusMessage: String?
    /// Whether the registry says that it is the newest version; nil where it says nothing.
    let isLatest: Bool?

    /// The name, as far as there is one: what is not taken need not be read.
    static func name(_ json: JSONValue) -> String? { json["server"]?["name"]?.text }

    /// Reads a member; throws `ShapeError`.
    init(_ json: JSONValue) throws {
        guard let server = json["server"] else { throw ShapeError("server", "is missing") }
        let published = try Self.document(server)
        // Another coordinator lists its agents' address to clients, and shows the server itself to who may know it.
        if let own = json["_meta"]?[PublishedServer.sourceName] {
            let source = try Self.document(own)
            guard source.summary.name.utf8.elementsEqual(published.summary.name.utf8),
                source.summary.version.utf8.elementsEqual(published.summary.version.utf8)
            else { throw ShapeError("_meta/\(PublishedServer.sourceName)", "is another server's") }
            document = source
        } else {
            document = published
        }
        name = document.summary.name
        let official = json["_meta"]?[ServerMeta.officialName]
        guard let official else {
            (status, statusMessage, isLatest) = (.active, nil, nil)
            return
        }
        guard let word = official["status"]?.text, let status = Proposal.Status(rawValue: word) else {
            throw ShapeError("_meta/\(ServerMeta.officialName)/status", "must be active, deprecated or deleted")
        }
        self.status = status
        statusMessage = official["statusMessage"]?.text.map(Self.line)
        isLatest = official["isLatest"]?.bool
    }

    private static func document(_ json: JSONValue) throws -> ServerDocument {
        // Written anew, so that it is as long and as deep as what is kept may be.
        let bytes = json.bytes
        guard bytes.count <= ServerDocument.limits.maxBytes else {
            throw ShapeError("server", "is longer than \(ServerDocument.limits.maxBytes >> 10) KiB")
        }
        do {
            let document = try ServerDocument(
                try JSONValue(parsing: bytes, limits: ServerDocument.limits),
                isOpen: true
            )
            if document.meta.settings != nil { try EntryMaker(document: document).judgeSettings() }
            return document
        } catch let error as JSONError {
            throw ShapeError("server", error.description)
        }
    }

    /// Text of a stranger as one short line.
    private static func line(_ text: String) -> String {
        let plain = text.unicodeScalars.prefix(500).map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }
        return plain.joined()
    }
}
