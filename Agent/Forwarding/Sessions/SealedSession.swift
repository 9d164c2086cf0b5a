internal import Crypto
internal import StrictJSON

/// What is kept on disk of a session's other side: the server's id for it, and the seed to begin another.
///
/// It is sealed under the id that the client has. The id itself is nowhere on this machine but with the client, so the
/// file opens no session to its reader; and the first request of the client opens what is needed to go on.
enum SealedSession {
    /// What is sealed.
    struct Content: Equatable {
        /// The server's id; empty where it gave none, nil where the session has to be begun first.
        var upstream: JSONText?
        var seed: SessionSeed?
    }

    /// The longest seal that is kept, in bytes.
    static let longest = 16 << 10

    /// Seals; the subscriptions are left out where all together is too long.
    ///
    /// - Parameters:
    ///   - content: what is sealed.
    ///   - id: the client's id of the session.
    ///   - mark: what identifies the session on disk, so that no other's seal opens in its place.
    /// - Returns: nil where it is too long all the same.
    static func seal(_ content: Content, id: JSONText, mark: [UInt8]) -> [UInt8]? {
        var content = content
        var bytes = content.json.bytes
        if bytes.count > longest {
            content.seed?.subscriptions = [:]
            bytes = content.json.bytes
        }
        guard bytes.count <= longest else { return nil }
        return (try? AES.GCM.seal(bytes, using: key(id), authenticating: mark).combined).map { Array($0) }
    }

    /// Opens a seal; nil where it is another session's, or was changed.
    static func open(_ sealed: [UInt8], id: JSONText, mark: [UInt8]) -> Content? {
        guard let box = try? AES.GCM.SealedBox(combined: sealed),
            let bytes = try? AES.GCM.open(box, using: key(id), authenticating: mark),
            let json = try? JSONValue(parsing: Array(bytes))
        else { return nil }
        return Content(json)
    }

    /// The id has 128 random bits, so no stretching is needed.
    private static func key(_ id: JSONText) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: id.utf8),
            info: Array("doorward kept session".utf8),
            outputByteCount: 32
        )
    }
}

extension SealedSession.Content {
    fileprivate var json: JSONValue {
        var content = JSONObject()
        content["upstream"] = upstream.map(JSONValue.string)
        guard let seed else { return .object(content) }
        func document(_ bytes: [UInt8]) -> JSONValue { .string(JSONText(utf8: bytes)) }
        content["params"] = document(seed.params)
        content["level"] = seed.level.map(document)
        content["subscriptions"] = .array(seed.subscriptions.sorted { $0.key < $1.key }.map { document($0.value) })
        return .object(content)
    }

    fileprivate init?(_ json: JSONValue) {
        upstream = json["upstream"]?.string
        guard let params = json["params"]?.string else { return }
        var seed = SessionSeed(params: params.utf8)
        seed.level = json["level"]?.string?.utf8
        for each in json["subscriptions"]?.array ?? [] {
            guard let document = each.string, let params = try? JSONValue(parsing: document.utf8) else { return nil }
            _ = seed.note(.subscribe, params: params)
        }
        self.seed = seed
    }
}
