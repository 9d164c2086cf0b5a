internal import MCP
internal import NIOCore
internal import StrictJSON

/// What a session hears of a modern server beside its requests: one `subscriptions/listen`, asked for again where it ends.
final class ModernSubscription: PeerCallDelegate {
    /// `params.notifications`.
    let filter: RawObject
    private let facts: ModernClientFacts
    /// As of the session's last request.
    var access: PeerAccess
    private let peer: any ModernPeer
    private let loop: any EventLoop
    private var failures = 0
    private let onMessage: (PeerMessage) -> Void
    private var call: (any PeerCall)?
    /// Settled once the server has taken it, or will not.
    private let readiness: Readiness
    /// Goes on until the server has taken this one, so that nothing falls between the two.
    private var previous: ModernSubscription?
    private var isClosed = false

    init(
        _ filter: RawObject,
        facts: ModernClientFacts,
        _ access: PeerAccess,
        on peer: any ModernPeer,
        loop: any EventLoop,
        _ onMessage: @escaping (PeerMessage) -> Void
    ) {
        self.filter = filter
        self.facts = facts
        self.access = access
        self.peer = peer
        self.loop = loop
        readiness = Readiness(loop)
        self.onMessage = onMessage
    }

    /// What can be listened for at a server with these capabilities.
    static func filter(_ capabilities: RawObject, uris: [JSONText]) -> RawObject {
        var filter = RawObject()
        let lists: [(JSONText, JSONText)] = [
            ("tools", "toolsListChanged"), ("prompts", "promptsListChanged"), ("resources", "resourcesListChanged"),
        ]
        for (capability, name) in lists where capabilities.object(capability)?.value("listChanged")?.bool == true {
            filter.set(name, true)
        }
        if !uris.isEmpty { filter.set("resourceSubscriptions", .array(uris.map { .string($0) })) }
        return filter
    }

    /// Calls `done` once the server has taken it, or will not.
    func whenTaken(_ done: @escaping () -> Void) { readiness.wait(done) }

    /// Opens the stream.
    ///
    /// - Parameter previous: the one in whose place it is, which is closed once the server has taken this one.
    func open(inPlaceOf previous: ModernSubscription? = nil) {
        self.previous = previous ?? self.previous
        var params = RawObject()
        params.set("notifications", filter)
        var request = PeerRequest(
            method: .subscriptionsListen,
            params: facts.enveloped(params, progressToken: nil)
        )
        request.access = access
        // It is the agent's own, whatever it is called.
        request.id = Array("0".utf8)
        call = peer.call(request, delegate: self)
    }

    func close() {
        isClosed = true
        call?.cancel("closed")
        call = nil
        settle()
    }

    private func settle() {
        let previous = previous
        self.previous = nil
        previous?.close()
        readiness.settle()
    }

    func peerSaid(_ message: PeerMessage) {
        if message.method == .subscriptionsAcknowledged {
            failures = 0
            return settle()
        }
        guard !isClosed else { return }
        switch message.method {
        case .toolsListChanged, .promptsListChanged, .resourcesListChanged, .resourcesUpdated:
            var params = message.members
            guard var meta = params.object("_meta") else { return onMessage(message) }
            // It names the agent's own stream.
            meta[Openings.subscriptionID] = nil
            params["_meta"] = meta.isEmpty ? nil : meta.bytes
            let said = RPCText.notification(message.method, params.isEmpty ? nil : params)
            if let said = try? PeerMessage(ofServer: said) { onMessage(said) }
        default: break
        }
    }

    func peerAsked(_ message: PeerMessage) {}

    func peerAnswered(_ message: PeerMessage) { ended(isRefused: message.kind == .errorResponse) }

    func peerFailed(_ fault: PeerFault) { ended(isRefused: false) }

    private func ended(isRefused: Bool) {
        call = nil
        settle()
        guard !isClosed, !isRefused else { return }
        failures += 1
        guard failures <= Self.mostFailures else { return }
        loop.assumeIsolated().scheduleTask(in: .milliseconds(250 << Int64(failures - 1))) { [weak self] in
            guard let self, !self.isClosed else { return }
            self.open()
        }
    }

    private static let mostFailures = 8
}
