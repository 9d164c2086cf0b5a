internal import AgentState
internal import Errors
internal import Forwarding
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// Whose the sessions of the handshake era are, kept over a restart: clients go on with them as if nothing had been.
struct SessionsFile: Sendable {
    let sessions: [KeptSession]

    private static func path(_ home: AgentHome) -> String { home.path(.sessions) }
    private static let longest = 8 << 20

    init(_ sessions: [KeptSession]) {
        self.sessions = sessions
    }

    func keep(_ home: AgentHome) throws {
        let entries = sessions.map { session -> JSONValue in
            [
                "client": .string(session.client), "hash": .text(session.mark.base64URL),
                "used": .int(Int(session.lastUsed)),
            ]
        }
        let bytes = JSONValue.object(["v": 1, "sessions": .array(entries)]).bytes
        guard bytes.count <= Self.longest else { throw FileError(.tooLarge, "the sessions are too many to be kept.") }
        try DurableFile.write(bytes, to: Self.path(home))
    }

    /// What an earlier agent left; nothing where it left nothing that can be read: then clients begin other sessions.
    init(_ home: AgentHome) {
        guard let bytes = try? DurableFile.read(Self.path(home), maxBytes: Self.longest),
            let json = try? JSONValue(parsing: bytes, limits: .reply), json["v"]?.int == 1,
            let entries = json["sessions"]?.array
        else {
            self.init([])
            return
        }
        self.init(
            entries.compactMap { entry in
                guard let client = entry["client"]?.string, let used = entry["used"]?.int,
                    let mark = entry["hash"]?.text.flatMap({ Hash(base64URL: $0) })
                else { return nil }
                return KeptSession(mark: mark, client: client, lastUsed: Int64(used))
            }
        )
    }
}
