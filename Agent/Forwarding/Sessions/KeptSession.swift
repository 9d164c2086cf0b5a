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
    /// The server's side of it, sealed under the session's id; empty where that was too much to be kept.
    package var sealed: [UInt8]

    package init(mark: Hash, client: JSONText, lastUsed: Int64, sealed: [UInt8]) {
        self.mark = mark
        self.client = client
        self.lastUsed = lastUsed
        self.sealed = sealed
    }

    /// The most that are kept: as many as the table of sessions holds.
    package static let most = 4096
    /// The most bytes of seals that are kept.
    package static let mostSealed = 6 << 20

    /// Of too many the ones used last, with the same share for each client.
    static func shared(_ sessions: [KeptSession]) -> [KeptSession] {
        guard sessions.count > most || sessions.reduce(0, { $0 + $1.sealed.count }) > mostSealed else {
            return sessions
        }
        var ranks: [JSONText: Int] = [:]
        let ranked = sessions.sorted { $0.lastUsed > $1.lastUsed }.map { session in
            ranks[session.client, default: 0] += 1
            return (session: session, rank: ranks[session.client] ?? 0)
        }
        var room = mostSealed
        return ranked.sorted { $0.rank < $1.rank }.prefix(most).map { each in
            var session = each.session
            // One without its seal ends for its client; the others go on.
            if session.sealed.count > room { session.sealed = [] }
            room -= session.sealed.count
            return session
        }
    }
}

/// The sessions of earlier runs of the agent that no client has used since: each is begun anew by the first request in
/// it.
struct EarlierSessions {
    private struct Key: Hashable {
        let client: JSONText
        let mark: Hash
    }

    private var kept: [Key: (lastUsed: Int64, sealed: [UInt8])] = [:]

    /// No session.
    init() {}

    init(_ sessions: [KeptSession], now: Int64) {
        for session in KeptSession.shared(sessions) {
            let key = Key(client: session.client, mark: session.mark)
            kept[key] = (min(session.lastUsed, now), session.sealed)
        }
    }

    var isEmpty: Bool { kept.isEmpty }

    /// Those that were used since a time.
    func all(usedSince time: Int64) -> [KeptSession] {
        kept.filter { $0.value.lastUsed >= time }
            .map {
                KeptSession(
                    mark: $0.key.mark,
                    client: $0.key.client,
                    lastUsed: $0.value.lastUsed,
                    sealed: $0.value.sealed
                )
            }
    }

    /// Takes the session of a client out.
    ///
    /// - Returns: its seal; nil if the client has no such session, or last used it before a time.
    mutating func take(_ mark: Hash, of client: JSONText, usedSince time: Int64) -> [UInt8]? {
        guard let session = kept.removeValue(forKey: Key(client: client, mark: mark)), session.lastUsed >= time else {
            return nil
        }
        return session.sealed
    }

    /// Forgets those of clients that are not there any more.
    mutating func keepOnly(clients: Set<JSONText>) {
        guard !isEmpty else { return }
        kept = kept.filter { clients.contains($0.key.client) }
    }
}
