internal import MCP
internal import NIOCore
internal import StrictJSON

/// The sessions and links of one server that are kept between requests, each for those who share it.
final class PeerPool {
    /// Whose a session is, and what those clients can be asked.
    struct SessionKey: Hashable {
        let isolation: IsolationKey
        let capabilities: [UInt8]
    }

    private struct LinkKey: Hashable {
        let isolation: IsolationKey
        let era: Revisions.Era
    }

    private var sessions: [SessionKey: ModernOverHandshake] = [:]
    private struct Link {
        let peer: LinkPeer
        var lastUsed: Int64

        /// When it was last asked for or at work.
        var used: Int64 { max(lastUsed, peer.lastUsed) }
    }

    private var links: [LinkKey: Link] = [:]
    private let loop: any EventLoop
    private let now: () -> Int64
    private var timer: Scheduled<Void>?

    /// How long a session or a child is kept without use, in nanoseconds, and how often that is looked at.
    private static let longestRest: Int64 = 600 * 1_000_000_000
    private static let sweepInterval = TimeAmount.seconds(30)
    /// The most that are kept for all clients, and for one: those that rest longest go.
    private static let most = 256
    static let mostSessionsOfOne = 64
    static let mostLinksOfOne = 32

    init(_ loop: any EventLoop, now: @escaping () -> Int64) {
        self.loop = loop
        self.now = now
    }

    /// The session of a key; made where there is none, nil where so many of this client are at work that there is no room.
    func session(_ key: SessionKey, make: () -> ModernOverHandshake) -> ModernOverHandshake? {
        if let session = sessions[key] { return session }
        let own = sessions.keys.count { $0.isolation.client == key.isolation.client }
        let isCrowded = own >= Self.mostSessionsOfOne
        if isCrowded || sessions.count >= Self.most {
            let candidates = sessions.filter { each in
                each.value.isIdle && (!isCrowded || each.key.isolation.client == key.isolation.client)
            }
            guard let oldest = candidates.min(by: { $0.value.lastUsed < $1.value.lastUsed }) else { return nil }
            sessions.removeValue(forKey: oldest.key)?.close()
        }
        let session = make()
        sessions[key] = session
        sweepLater()
        return session
    }

    /// The peer at the other end of a link; made where there is none, or where the link has ended; nil where so many of this
    /// client are at work that there is no room.
    func link(_ isolation: IsolationKey, _ era: Revisions.Era, make: () -> LinkPeer) -> LinkPeer? {
        let key = LinkKey(isolation: isolation, era: era)
        if let found = links[key], !found.peer.isOver {
            links[key]?.lastUsed = now()
            return found.peer
        }
        let own = links.filter { $0.key.isolation.client == isolation.client && !$0.value.peer.isOver }
        if own.count >= Self.mostLinksOfOne || links.count >= Self.most {
            let resting = (own.count >= Self.mostLinksOfOne ? own : links).filter { !$0.value.peer.isBusy }
            guard let oldest = resting.min(by: { $0.value.used < $1.value.used }) else { return nil }
            links.removeValue(forKey: oldest.key)?.peer.stop()
        }
        let peer = make()
        links[key] = Link(peer: peer, lastUsed: now())
        sweepLater()
        return peer
    }

    /// The links at whose other end nothing is under way.
    var restingLinks: [LinkPeer] { links.values.map(\.peer).filter(\.isResting) }

    func endAll() {
        timer?.cancel()
        for session in sessions.values { session.close() }
        for link in links.values { link.peer.stop() }
        sessions = [:]
        links = [:]
    }

    private func sweepLater() {
        guard timer == nil else { return }
        timer = loop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        timer = nil
        let oldest = now() - Self.longestRest
        for (key, session) in sessions where session.isIdle && session.lastUsed < oldest {
            session.close()
            sessions[key] = nil
        }
        for (key, link) in links {
            guard link.peer.isOver || !link.peer.isBusy && link.used < oldest else { continue }
            link.peer.stop()
            links[key] = nil
        }
        if !sessions.isEmpty || !links.isEmpty { sweepLater() }
    }
}
