internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

// The server's ends of the bridge, and how it is found out which of them there are.
extension ServerBridge {
    /// Whether the server has an address that messages are posted to.
    var isOverHTTP: Bool {
        if case .http = settings.transport { true } else { false }
    }

    /// The server at its address.
    var server: HTTPServer? {
        upstream.map {
            HTTPServer(
                upstream: $0,
                userAgent: around.userAgent,
                longestReply: around.longestReply,
                loop: around.loop
            )
        }
    }

    private func isolation(_ call: BridgedCall, thread: JSONText) -> IsolationKey {
        settings.isolation.key(server: settings.alias, client: call.request.client, thread: thread)
    }

    private func makeLink(_ key: IsolationKey) -> (any ServerLink)? {
        switch settings.transport {
        case .links(let source): return source.makeLink(key, loop: around.loop)
        case .http, .eventStream:
            guard let upstream else { return nil }
            return EventStreamLink(upstream: upstream, userAgent: around.userAgent, loop: around.loop)
        }
    }

    /// The server at the other end of a link, for those who share it.
    func linkPeer(_ era: Revisions.Era, for call: BridgedCall, thread: JSONText) -> LinkPeer {
        linkPeer(era, isolation(call, thread: thread))
    }

    private func linkPeer(_ era: Revisions.Era, _ key: IsolationKey) -> LinkPeer {
        pool.link(key, era) {
            LinkPeer(makeLink(key) ?? MissingLink(around.loop), era: era, loop: around.loop, now: around.now)
        } ?? .missing(on: around.loop, now: around.now, because: .crowded)
    }

    /// The session with a server of the handshake era that this client shares.
    func session(for call: BridgedCall, _ message: PeerMessage) -> ModernOverHandshake {
        let isolation = isolation(call, thread: call.request.thread)
        let isLink = !isOverHTTP || isEventStream
        let meta = message.members.object("_meta") ?? RawObject()
        let declared = Capabilities.ofModernClient(meta.object(Openings.clientCapabilities) ?? RawObject())
        // One link has one session, whatever its clients can be asked.
        let key = PeerPool.SessionKey(isolation: isolation, capabilities: isLink ? [1] : declared.bytes)
        let sharing = sharing
        return pool.session(key) {
            ModernOverHandshake(sharing, asksForAll: isLink) { [weak self] in
                guard let self else { return LinkPeer.missing(on: sharing.loop, now: sharing.now) }
                if isLink { return self.linkPeer(.handshake, isolation) }
                guard let server = self.server else { return LinkPeer.missing(on: sharing.loop, now: sharing.now) }
                return HTTPHandshakePeer(server)
            }
        }
            ?? ModernOverHandshake(sharing) {
                LinkPeer.missing(on: sharing.loop, now: sharing.now, because: .crowded)
            }
    }

    private var sharing: ModernOverHandshake.Sharing {
        ModernOverHandshake.Sharing(
            server: settings.alias,
            seal: around.seal,
            suspensions: suspensions,
            loop: around.loop,
            now: around.now
        )
    }

    // MARK: Probes

    /// Asks the server for what a modern server knows, on the agent's own account.
    ///
    /// All calls that come meanwhile wait for one answer.
    func probe(_ call: BridgedCall, _ done: @escaping (EraProbe.Finding) -> Void) {
        guard let server else { return done(.judged(.none)) }
        let probe = openProbe ?? EraProbe.begin(server, call.access)
        lastProbe = probe
        probe.wait { finding in
            if !call.isEnded { done(finding) }
        }
    }

    private var openProbe: EraProbe? { lastProbe.flatMap { $0.isOpen ? $0 : nil } }

    /// Whether the server has the transport of 2024-11-05 at this address.
    func probeEventStream(_ call: BridgedCall, _ done: @escaping (Bool) -> Void) {
        guard let link = makeLink(isolation(call, thread: "")) else { return done(false) }
        link.authorization = call.request.authorization
        LinkProbe.begin(link, on: around.loop, asking: nil) { found in
            if !call.isEnded { done(found == .opened) }
        }
    }

    /// Asks at the other end of a link that nothing else uses, since some servers end where they are asked what they do not
    /// know: true for a modern server, nil where the call was answered with why there is no server.
    func probeLink(_ call: BridgedCall, _ done: @escaping (Bool?) -> Void) {
        guard let link = makeLink(isolation(call, thread: "probe")) else { return done(nil) }
        link.authorization = call.request.authorization
        let params = ModernClientFacts().enveloped(RawObject(), progressToken: nil)
        let question = RPCText.request(Array("1".utf8), .serverDiscover, params)
        LinkProbe.begin(link, on: around.loop, asking: question) { found in
            guard !call.isEnded else { return }
            switch found {
            case .opened: done(false)
            case .answered(let message): done(EraEvidence(discover: 200, message) == .spoken)
            case .ended(let failure):
                if case .notSent = failure {
                    call.fail(.failure(failure))
                    return done(nil)
                }
                done(false)
            }
        }
    }
}
