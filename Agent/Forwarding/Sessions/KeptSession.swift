package import StrictJSON
package import TransparencyLog

/// What is kept of a session over the end of an agent: whose it is, and nothing by which its id could be found.
package struct KeptSession: Hashable, Sendable {
    /// SHA-256 of the server, its address and the session's id.
    package let mark: Hash
    /// The name of the client that it belongs to.
    package let client: JSONText
    /// When it was last used, in microseconds since 1970.
    package let lastUsed: Int64

    package init(mark: Hash, client: JSONText, lastUsed: Int64) {
        self.mark = mark
        self.client = client
        self.lastUsed = lastUsed
    }

    /// The most that are kept: as many as the table of sessions holds.
    package static let most = 4096

    /// Of too many the ones used last, with the same share for each client.
    static func shared(_ sessions: [KeptSession]) -> [KeptSession] {
        guard sessions.count > most else { return sessions }
        var ranks: [JSONText: Int] = [:]
        let ranked = sessions.sorted { $0.lastUsed > $1.lastUsed }.map { session in
            ranks[session.client, default: 0] += 1
            return (session: session, rank: ranks[session.client] ?? 0)
        }
        return ranked.sorted { $0.rank < $1.rank }.prefix(most).map(\.session)
    }
}

/// The sessions of earlier runs of the agent that no client has used since: each is begun anew by the first request in
/// it.
struct EarlierSessions {
    private struct Key: Hashable {
        let client: JSONText
        let mark: Hash
    }

    private var lastUsed: [Key: Int64] = [:]

    /// No session.
    init() {}

    init(_ sessions: [KeptSession], now: Int64) {
        for session in KeptSession.shared(sessions) {
            lastUsed[Key(client: session.client, mark: session.mark)] = min(session.lastUsed, now)
        }
    }

    var isEmpty: Bool { lastUsed.isEmpty }

    /// Those that were used since a time.
    func all(usedSince time: Int64) -> [KeptSession] {
        lastUsed.filter { $0.value >= time }
            .map { KeptSession(mark: $0.key.mark, client: $0.key.client, lastUsed: $0.value) }
    }

    /// Takes the session of a client out; false if the client has no such session, or last used it before a time.
    mutating func take(_ mark: Hash, of client: JSONText, usedSince time: Int64) -> Bool {
        lastUsed.removeValue(forKey: Key(client: client, mark: mark)).map { $0 >= time } ?? false
    }

    /// Forgets those of clients that are not there any more.
    mutating func keepOnly(clients: Set<JSONText>) {
        guard !isEmpty else { return }
        lastUsed = lastUsed.filter { clients.contains($0.key.client) }
    }
}
