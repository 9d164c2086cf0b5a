internal import AgentState
internal import Bytes
internal import Errors
internal import Forwarding
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// Whose the sessions of the handshake era are, kept over a restart: clients go on with them as if nothing had been.
///
/// It opens no session to its reader: ids are hashed, and what belongs to the server is sealed under the id.
struct SessionsFile: Sendable {
    let sessions: [KeptSession]

    private static func path(_ home: AgentHome) -> String { home.path(.sessions) }
    private static let longest = 12 << 20

    init(_ sessions: [KeptSession]) {
        self.sessions = sessions
    }

    func keep(_ home: AgentHome) throws {
        let entries = sessions.map { session -> JSONValue in
            [
                "client": .string(session.client), "hash": .text(session.mark.base64URL),
                "sealed": .text(Base64.url(session.sealed)), "used": .int(Int(session.lastUsed)),
            ]
        }
        let bytes = JSONValue.object(["v": 2, "sessions": .array(entries)]).bytes
        guard bytes.count <= Self.longest else { throw FileError(.tooLarge, "the sessions are too many to be kept.") }
        try DurableFile.write(bytes, to: Self.path(home))
    }

    /// What an earlier agent left; nothing where it left nothing that can be read: then clients begin other sessions.
    init(_ home: AgentHome) {
        guard let bytes = try? DurableFile.read(Self.path(home), maxBytes: Self.longest),
            let json = try? JSONValue(
                parsing: bytes,
                limits: JSONLimits(maxBytes: Self.longest, maxDepth: JSONLimits.reply.maxDepth)
            ), json["v"]?.int == 2, let entries = json["sessions"]?.array
        else {
            self.init([])
            return
        }
        self.init(
            entries.compactMap { entry in
                guard let client = entry["client"]?.string, let used = entry["used"]?.int,
                    let mark = entry["hash"]?.text.flatMap({ Hash(base64URL: $0) }),
                    let sealed = (entry["sealed"]?.text).flatMap({ Base64.decodeURL($0.utf8) })
                else { return nil }
                return KeptSession(mark: mark, client: client, lastUsed: Int64(used), sealed: sealed)
            }
        )
    }
}
