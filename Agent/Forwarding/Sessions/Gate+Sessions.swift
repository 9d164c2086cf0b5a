internal import AuditLog
internal import Bridging
internal import Bytes
internal import Fetch
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog
internal import Upstreams

// Sessions that outlive the agent.
extension Gate {
    /// Takes over what an earlier run has kept.
    func restore(_ sessions: [KeptSession]) {
        earlier = EarlierSessions(sessions, now: clock.wall())
    }

    /// What has to be kept for the next run.
    func keptSessions() -> [KeptSession] {
        let (now, wall) = (now(), clock.wall())
        let running = sessions.all.compactMap { session in
            session.mark.map { mark in
                let rest = max(0, now - session.lastUsed) / 1000
                let sealed = seal(session, mark)
                return KeptSession(mark: mark, client: session.key.client, lastUsed: wall - rest, sealed: sealed)
            }
        }
        return KeptSession.shared(running + earlier.all(usedSince: oldest(wall)))
    }

    /// Sealed once for each change: all sessions are written down together.
    private func seal(_ session: Session, _ mark: Hash) -> [UInt8] {
        if let sealed = session.sealed { return sealed }
        let content = SealedSession.Content(upstream: session.upstream, seed: session.seed)
        let sealed = SealedSession.seal(content, id: session.key.id, mark: mark.bytes) ?? []
        session.sealed = sealed
        return sealed
    }

    /// The session of a key that an earlier run has left, begun anew; nil where it left none.
    ///
    /// Whether the server still knows its own is for the server to say.
    func takeUp(_ key: SessionKey) -> Session? {
        guard !earlier.isEmpty, let mark = mark(of: key),
            let sealed = earlier.take(mark, of: key.client, usedSince: oldest(clock.wall())),
            let content = SealedSession.open(sealed, id: key.id, mark: mark.bytes),
            content.upstream != nil || content.seed != nil
        else { return nil }
        let session = beginSession(key)
        session.take(upstream: content.upstream, seed: content.seed, isEarlier: true)
        return session
    }

    private func oldest(_ wall: Int64) -> Int64 { wall - configuration.sessionRest.nanoseconds / 1000 }

    /// The hash that identifies a session on disk; nil for a session without an id.
    ///
    /// The address is in it: a server that takes over the alias of another one never gets the sessions of that one.
    func mark(of key: SessionKey) -> Hash? {
        guard !key.id.utf8.isEmpty else { return nil }
        let server = servers.first { $0.alias == key.server }
        // The session with all servers at once has no address.
        guard let identity = key.isOfAll ? "" : server?.transport.identity else { return nil }
        return Hash.of(key.server.utf8 + [0x0A] + Array(identity.utf8) + [0x0A] + key.id.utf8)
    }
}

// The server's session behind a client's.
extension Gate {
    /// An id that no one can guess: 128 random bits in hex digits.
    static func newSessionID() -> JSONText { JSONText(RandomID().description) }

    /// The session of a key, made where there is none yet; the server's session behind it is begun by the first call.
    func session(for key: SessionKey, seed: SessionSeed) -> Session {
        if let session = sessions.find(key, now: now()) ?? takeUp(key) { return session }
        let session = beginSession(key)
        session.take(upstream: nil, seed: seed)
        return session
    }

    /// The server does not know its session any more: what was under way in it has no answer.
    ///
    /// What was asked of the client is asked by nobody any more, and calls whose streams could be taken up again end:
    /// their clients are told on the stream that they take up.
    func loseUpstream(of session: Session) {
        let now = now()
        for request in session.takePending() { records.endPending(request, .cancelled, bytesOut: 0, now: now) }
        let lost = parked.takeAll(of: session)
        let answers = lost.map { call -> [UInt8] in
            var permit = call.permit
            permit.release()
            records.endParked(call, .unknown, bytesOut: 0, now: now)
            let refusal = Refusal.lostWithSession(call.server.alias).about(call.server, call.facts.item, configuration)
            return refusal.body(id: call.note.id, record: call.facts.call)
        }
        session.loseUpstream(owed: answers)
        sessions.noteChange()
    }

    /// The server has begun another session.
    func upstreamBegan(_ id: JSONText, _ welcome: JSONValue, for session: Session) {
        session.began(upstream: id, welcome: welcome)
        sessions.noteChange()
    }
}
