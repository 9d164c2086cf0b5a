internal import Fetch
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
                return KeptSession(mark: mark, client: session.key.client, lastUsed: wall - rest)
            }
        }
        return KeptSession.shared(running + earlier.all(usedSince: oldest(wall)))
    }

    /// The session of a key that an earlier run has left, begun anew; nil where it left none.
    ///
    /// Whether the server still knows it is for the server to say.
    func takeUp(_ key: SessionKey) -> Session? {
        guard !earlier.isEmpty, let mark = mark(of: key),
            earlier.take(mark, of: key.client, usedSince: oldest(clock.wall()))
        else { return nil }
        return beginSession(key)
    }

    private func oldest(_ wall: Int64) -> Int64 { wall - configuration.sessionRest.nanoseconds / 1000 }

    /// The hash that identifies a session on disk; nil for a session without an id.
    ///
    /// The address is in it: a server that takes over the alias of another one never gets the sessions of that one.
    func mark(of key: SessionKey) -> Hash? {
        guard !key.id.utf8.isEmpty, let server = servers.first(where: { $0.alias == key.server }) else { return nil }
        return Hash.of(key.server.utf8 + [0x0A] + Array(server.endpoint.url.text.utf8) + [0x0A] + key.id.utf8)
    }
}
