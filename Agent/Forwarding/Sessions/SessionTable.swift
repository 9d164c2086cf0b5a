internal import StrictJSON

/// All sessions of the handshake era; bounded, the one unused longest goes first.
struct SessionTable {
    private var sessions: [SessionKey: Session] = [:]
    private let most: Int

    init(most: Int = 4096) {
        self.most = most
    }

    var count: Int { sessions.count }

    /// Whether a value can be a session's id: visible ASCII (Streamable HTTP, "Session Management"), and not without end.
    static func isID(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        (1...1024).contains(value.count) && value.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The session of a key; nil for one that was never begun, has ended, or belongs to somebody else.
    func find(_ key: SessionKey, now: Int64) -> Session? {
        let session = sessions[key]
        session?.lastUsed = now
        return session
    }

    /// The session of a key, which begins if there is none.
    ///
    /// - Returns: the session, and the one that had to go for it.
    mutating func begin(_ key: SessionKey, now: Int64) -> (session: Session, gone: Session?) {
        if let session = sessions[key] {
            session.lastUsed = now
            return (session, nil)
        }
        let session = Session(key, now: now)
        var gone: Session?
        if sessions.count >= most, let oldest = sessions.values.min(by: { $0.lastUsed < $1.lastUsed }) {
            sessions[oldest.key] = nil
            gone = oldest
        }
        sessions[key] = session
        return (session, gone)
    }

    /// Ends a session.
    mutating func end(_ key: SessionKey) -> Session? { sessions.removeValue(forKey: key) }

    /// Ends all sessions with a server or of a client that is gone.
    mutating func endAll(where isGone: (SessionKey) -> Bool) -> [Session] {
        let gone = sessions.values.filter { isGone($0.key) }
        for session in gone { sessions[session.key] = nil }
        return gone
    }
}
