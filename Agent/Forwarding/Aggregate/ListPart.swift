internal import MCP
internal import StrictJSON

/// What one server has in a list, as a client of all servers sees it.
struct ListPart {
    /// One entry.
    struct Entry {
        /// The server's own name or URI.
        let own: JSONText
        /// The one that the client has for it.
        let exposed: JSONText
        /// The whole entry, under the exposed one.
        let bytes: [UInt8]
    }

    let entries: [Entry]
    /// For how long the server lets it be kept, in milliseconds; nil where it does not say.
    let ttl: Int?
    private let places: [JSONText: Int]

    /// The part in an answer of the server's; nil for one that has no list.
    init?(_ answer: [UInt8], _ method: MCPMethod, of alias: JSONText) {
        let limits = JSONLimits(maxBytes: answer.count, maxDepth: 512)
        guard let result = (try? JSONValue(lenientlyParsing: answer, limits: limits))?["result"]?.object,
            let names = Self.names(method), let list = result[names.list]?.array
        else { return nil }
        let objects = list.compactMap(\.object).filter { $0[names.name]?.string != nil }
        let owns = objects.compactMap { $0[names.name]?.string }
        let exposed =
            names.isURI
            ? owns.map { ExposedURI.expose($0, of: alias) } : ExposedName.names(for: owns, of: alias)
        let message = ExposedMessage(alias: alias)
        var entries: [Entry] = []
        for (object, (own, exposed)) in zip(objects, zip(owns, exposed)) {
            guard let exposed else { continue }
            var object = object
            object[names.name] = .string(exposed)
            var meta = object["_meta"]?.object ?? JSONObject()
            meta["dev.doorward/server"] = .string(alias)
            object["_meta"] = message.exposed(.object(meta))
            entries.append(Entry(own: own, exposed: exposed, bytes: JSONValue.object(object).bytes))
        }
        self.entries = entries
        ttl = result["ttlMs"]?.int
        places = Dictionary(entries.enumerated().map { ($1.exposed, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The server's own name of what the client calls so.
    func own(_ exposed: JSONText) -> JSONText? { places[exposed].map { entries[$0].own } }

    /// Whether a client would see the same.
    func isSame(as other: ListPart?) -> Bool {
        guard let other, entries.count == other.entries.count else { return false }
        return zip(entries, other.entries).allSatisfy { $0.bytes == $1.bytes }
    }

    /// The member of the result that has the entries, the one that names an entry, and whether that is a URI.
    static func names(_ method: MCPMethod) -> (list: JSONText, name: JSONText, isURI: Bool)? {
        switch method {
        case .toolsList: ("tools", "name", false)
        case .promptsList: ("prompts", "name", false)
        case .resourcesList: ("resources", "uri", true)
        case .resourceTemplatesList: ("resourceTemplates", "uriTemplate", true)
        default: nil
        }
    }
}
