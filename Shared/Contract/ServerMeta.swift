package import StrictJSON

/// `_meta` of a `server.json`: our settings, and what others keep there under names of their own.
package struct ServerMeta: Sendable, Equatable {
    /// Our settings as they were written, not judged; nil where there are none.
    package let settings: JSONValue?
    /// What belongs to others: kept, and read by nobody here.
    package let others: JSONObject

    /// Where our settings stand in a document.
    package static let settingsPlace = "_meta/\(RegistryEntry.settingsName)"
    /// Where the official API says what has become of a version.
    package static let officialName: JSONText = "io.modelcontextprotocol.registry/official"
    /// The beginning of all names that are ours.
    private static let prefix = "dev.doorward/"

    /// Reads `_meta`, which may be absent; throws `ShapeError` for a name of ours that means nothing.
    static func read(_ reader: inout ObjectReader) throws(ShapeError) -> ServerMeta {
        var settings: JSONValue?
        var others = JSONObject()
        for (name, element) in try reader.optionalMap("_meta") ?? [] {
            if name == RegistryEntry.settingsName {
                settings = element.value
            } else if name.string.lowercased().hasPrefix(prefix) {
                throw ShapeError(element.place, "is not a member that may stand here")
            } else {
                others[name] = element.value
            }
        }
        return ServerMeta(settings: settings, others: others)
    }
}
