package import StrictJSON

/// What a `server.json` says of a server to people, with its name and version.
package struct ServerSummary: Sendable, Equatable {
    /// A picture of the server; its URL is shown and never fetched.
    package struct Icon: Sendable, Equatable {
        package let source: String
        package let mediaType: String?
        package let theme: String?
        package let sizes: [String]
    }

    /// Like `com.example/server`; compared as bytes.
    package let name: String
    package let version: String
    package let description: String
    package let title: String?
    package let websiteURL: String?
    package let icons: [Icon]
    /// The members as they were written, without remotes, packages and `_meta`.
    package let members: JSONObject

    /// What a search looks at, in lower case.
    package var words: String { [name, title ?? "", description].joined(separator: "\n").lowercased() }
}

extension ServerSummary {
    /// The members that `read` asks for.
    private static let names: [JSONText] = [
        "$schema", "name", "title", "description", "version", "websiteUrl", "repository", "icons",
    ]

    /// Reads them; throws `ShapeError`.
    static func read(_ reader: inout ObjectReader) throws -> ServerSummary {
        var members = JSONObject()
        for name in names { members[name] = reader.optional(name) }
        let name = try reader.serverName("name")
        let description = try reader.prose("description", longest: 100)
        let version = try reader.label("version", longest: 255)
        guard version != "latest" else { throw ShapeError(reader.path("version"), "must be one version") }
        _ = try reader.optionalProse("$schema", longest: 2048)
        _ = try reader.optionalObject("repository") { repository in
            _ = try repository.prose("url", longest: 2048)
            _ = try repository.prose("source", longest: 100)
            for name in ["id", "subfolder"] as [JSONText] { _ = try repository.optionalProse(name, longest: 255) }
        }
        return ServerSummary(
            name: name,
            version: version,
            description: description,
            title: try reader.optionalProse("title", longest: 100),
            websiteURL: try reader.optionalProse("websiteUrl", longest: 2048),
            icons: try (try reader.optionalElements("icons") ?? []).map { icon in
                try ObjectReader.read(icon.value, at: icon.place) { icon in
                    Icon(
                        source: try icon.prose("src", longest: 255),
                        mediaType: try icon.optionalProse("mimeType", longest: 100),
                        theme: try icon.optionalProse("theme", longest: 100),
                        sizes: try icon.optionalTexts("sizes") ?? []
                    )
                }
            },
            members: members
        )
    }
}

extension ObjectReader {
    /// `reverse.dns/name` of the official schema.
    fileprivate mutating func serverName(_ name: JSONText) throws(ShapeError) -> String {
        let text = try text(name)
        guard ServerName.isValid(text) else { throw ShapeError(path(name), "must be a name like com.example/server") }
        return text
    }

    /// Text for people, on one line.
    mutating func prose(_ name: JSONText, longest: Int) throws(ShapeError) -> String {
        let text = try text(name)
        guard !text.isEmpty, text.unicodeScalars.count <= longest,
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { throw ShapeError(path(name), "must be 1 to \(longest) characters on one line") }
        return text
    }

    mutating func optionalProse(_ name: JSONText, longest: Int) throws(ShapeError) -> String? {
        optional(name) == nil ? nil : try prose(name, longest: longest)
    }
}

/// The names that servers have in their `server.json`.
package enum ServerName {
    /// Whether `text` is like `com.example/server`, 3 to 200 characters.
    package static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return (3...200).contains(text.utf8.count) && parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
            && parts[0].utf8.allSatisfy(isPlain)
            && parts[1].utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: false
        }
    }
}
