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
        }
    }

    /// The session with a server of the handshake era that this client shares.
    func session(for call: BridgedCall, _ message: PeerMessage) -> ModernOverHandshake {
        let isolation = isolation(call, thread: call.request.thread)
        let isLink = !isOverHTTP || isEventStream
        let meta = message.members.object("_meta") ?? RawObject()
        let declared = Capabilities.ofModernClient(meta.object(Openings.clientCapabilities) ?? RawObject())
        // One link has one session, whatever its clients can be asked.
        let key = PeerPool.SessionKey(isolation: isolation, capabilities: isLink ? [1] : declared.bytes)
        return pool.session(key) {
            let sharing = ModernOverHandshake.Sharing(
                server: settings.alias,
                seal: around.seal,
                suspensions: suspensions,
                loop: around.loop,
                now: around.now
            )
            return ModernOverHandshake(sharing, asksForAll: isLink) { [weak self] in
                guard let self else { return LinkPeer.missing(on: sharing.loop, now: sharing.now) }
                if isLink { return self.linkPeer(.handshake, isolation) }
                guard let server = self.server else { return LinkPeer.missing(on: sharing.loop, now: sharing.now) }
                return HTTPHandshakePeer(server)
            }
        }
    }

    // MARK: Probes

    /// What a probe has found.
    enum Finding {
        case judged(EraEvidence)
        /// There was no answer that says anything.
        case fault(PeerFault)
    }

    /// Asks the server for what a modern server knows, on the agent's own account.
    func probe(_ call: BridgedCall, _ done: @escaping (Finding) -> Void) {
        guard let server else { return done(.judged(.none)) }
        var http = HTTPRequest()
        let params = ModernClientFacts().enveloped(RawObject(), progressToken: nil)
        http.body = RPCText.request(Array("1".utf8), .serverDiscover, params)
        http.version = Array(Openings.newest(.modern).utf8)
        http.rpc = .serverDiscover
        http.authorization = call.request.authorization
        http.clientNumber = call.request.clientNumber
        http.isRepeatable = true
        var exchange: MessageExchange?
        var isDone = false
        func finish(_ finding: Finding) {
            guard !isDone else { return }
            isDone = true
            exchange?.leave(on: around.loop)
            exchange = nil
            if !call.isEnded { done(finding) }
        }
        exchange = MessageExchange.send(
            http,
            to: server,
            onMessage: { message in
                guard message.kind == .response || message.kind == .errorResponse else { return }
                finish(.judged(EraEvidence(discover: 200, message)))
            },
            onEnd: { how in
                switch how {
                case .complete: finish(.judged(.none))
                case .violated: finish(.judged(.none))
                case .failed(let failure): finish(.fault(.failure(failure)))
                case .answered(let answer):
                    let evidence = EraEvidence(discover: answer.status, answer.error)
                    finish(evidence == .none ? .fault(.answered(answer)) : .judged(evidence))
                }
            }
        )
    }

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
