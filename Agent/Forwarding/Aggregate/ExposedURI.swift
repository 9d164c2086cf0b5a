internal import StrictJSON

/// The URIs of resources on the endpoint of all servers: `doorward+ALIAS:URI`.
///
/// URIs of different servers can be the same (`file:///README.md`, `ui://form`), and a client may read one that stands in no
/// list. So each says by itself whose it is, wherever it stands, and a template stays one: what it becomes once it is
/// filled in has the same beginning. It is an opaque URI (RFC 3986 section 3), in which no client normalises a path.
enum ExposedURI {
    private static let opening = Array("doorward+".utf8)
    private static let colon = UInt8(ascii: ":")

    static func expose(_ uri: JSONText, of alias: JSONText) -> JSONText {
        JSONText(utf8: opening + alias.utf8 + [colon] + uri.utf8)
    }

    /// Whose URI it is, and the server's own; nil for one that was not made here.
    static func parts(of uri: JSONText) -> (alias: JSONText, uri: JSONText)? {
        guard uri.utf8.starts(with: opening) else { return nil }
        let rest = uri.utf8[opening.count...]
        guard let end = rest.firstIndex(of: colon), end > opening.count, end + 1 < rest.endIndex else { return nil }
        return (JSONText(utf8: rest[..<end]), JSONText(utf8: rest[(end + 1)...]))
    }
}

/// The ids under which servers ask the client something, and of events, on the endpoint of all servers: `ALIAS/ID`.
///
/// Servers number by themselves, each from 1 on. The id has all that is needed to bring the answer to its server, which
/// then looks for it among what it has asked in this session.
enum ExposedID {
    private static let slash = UInt8(ascii: "/")

    /// The id that the client has for one of a server.
    ///
    /// - Parameters:
    ///   - id: the literal of a request's id or of a progress token, with its quotes; or the id of an event.
    ///   - alias: the server.
    /// - Returns: the id, as a text.
    static func expose(_ id: some Sequence<UInt8>, of alias: JSONText) -> JSONText {
        JSONText(utf8: alias.utf8 + [slash] + id)
    }

    /// The server, and the literal or the event's id; nil for one that was not made here.
    static func parts(of id: JSONText) -> (alias: JSONText, id: [UInt8])? {
        guard let end = id.utf8.firstIndex(of: slash), end > 0, end + 1 < id.utf8.count else { return nil }
        return (JSONText(utf8: id.utf8[..<end]), Array(id.utf8[(end + 1)...]))
    }
}
