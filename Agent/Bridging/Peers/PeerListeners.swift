internal import MCP

/// Hears what a server says beside its requests.
protocol PeerListener: AnyObject {
    /// A notification that belongs to no request, or a question that does not.
    func peerSaidAside(_ message: PeerMessage)
    /// The session has ended by itself.
    func peerEnded()
}

/// All who hear of one session, which they may share.
final class PeerListeners {
    private struct Weak {
        weak var listener: (any PeerListener)?
    }

    private var all: [Weak] = []

    func add(_ listener: any PeerListener) {
        all.removeAll { $0.listener == nil || $0.listener === listener }
        all.append(Weak(listener: listener))
    }

    func remove(_ listener: any PeerListener) {
        all.removeAll { $0.listener == nil || $0.listener === listener }
    }

    /// Tells a notification to all; a question, which can be answered once, to the one that came last.
    func tell(_ message: PeerMessage) {
        let listeners = all.compactMap(\.listener)
        if message.kind == .request {
            listeners.last?.peerSaidAside(message)
        } else {
            for listener in listeners { listener.peerSaidAside(message) }
        }
    }

    func end() {
        let listeners = all.compactMap(\.listener)
        all = []
        for listener in listeners { listener.peerEnded() }
    }
}
