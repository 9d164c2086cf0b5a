internal import StrictJSON

/// All sessions of the handshake era; bounded, with a share for each client.
struct SessionTable {
    private var sessions: [SessionKey: Session] = [:]
    private var countByClient: [JSONText: Int] = [:]
    private let most: Int

    init(most: Int = 4096) {
        self.most = most
    }

    var count: Int { sessions.count }
    var all: some Sequence<Session> { sessions.values }
    /// Counts what has to be written down: beginnings and ends of sessions that have an id, and of the server's behind them.
    private(set) var changes = 0

    /// What is kept of a session is another.
    mutating func noteChange() { changes += 1 }

    /// Whether a value can be a session's id: visible ASCII (Streamable HTTP, "Session Management"), and not without end.
    static func isID(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        (1...1024).contains(value.count) && value.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The session of a key; nil for one that was never begun, has ended, or belongs to another client.
    func find(_ key: SessionKey, now: Int64) -> Session? {
        let session = sessions[key]
        session?.lastUsed = now
        return session
    }

    /// The session of a key; begins one if the key has no session yet.
    ///
    /// - Returns: the session, and the one that had to go for it.
    mutating func begin(_ key: SessionKey, now: Int64) -> (session: Session, gone: Session?) {
        if let session = sessions[key] {
            session.lastUsed = now
            return (session, nil)
        }
        let session = Session(key, now: now)
        let gone = sessions.count >= most ? oldest(of: loser(to: key.client)).flatMap { end($0.key) } : nil
        sessions[key] = session
        if !key.id.utf8.isEmpty { changes += 1 }
        countByClient[key.client, default: 0] += 1
        return (session, gone)
    }

    /// The client one of whose sessions is ended so that another client can begin one: a client that already has its
    /// share loses its own.
    private func loser(to client: JSONText) -> JSONText {
        let own = countByClient[client] ?? 0
        let share = most / (countByClient.count + (own == 0 ? 1 : 0))
        guard own < max(share, 1) else { return client }
        return countByClient.max { $0.value < $1.value }?.key ?? client
    }

    private func oldest(of client: JSONText) -> Session? {
        sessions.values.lazy.filter { $0.key.client == client }.min { $0.lastUsed < $1.lastUsed }
    }

    /// Ends a session.
    mutating func end(_ key: SessionKey) -> Session? {
        guard let session = sessions.removeValue(forKey: key) else { return nil }
        if !key.id.utf8.isEmpty { changes += 1 }
        let left = (countByClient[key.client] ?? 1) - 1
        countByClient[key.client] = left > 0 ? left : nil
        return session
    }

    /// Ends all sessions with a server or of a client that is gone.
    mutating func endAll(where isGone: (SessionKey) -> Bool) -> [Session] {
        sessions.values.filter { isGone($0.key) }.compactMap { end($0.key) }
    }

    /// Ends all sessions that no client has used since a time.
    mutating func endAll(unusedSince time: Int64) -> [Session] {
        sessions.values.filter { $0.lastUsed < time }.compactMap { end($0.key) }
    }
}
