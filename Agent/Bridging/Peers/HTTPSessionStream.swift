internal import NIOCore
internal import Upstreams
internal import Wire

/// The stream of a session on which the server says what belongs to no request; opened again where it ends.
final class HTTPSessionStream {
    private unowned let peer: HTTPHandshakePeer
    /// As of the last request.
    private var access = PeerAccess()
    private var exchange: MessageExchange?
    private var timer: Scheduled<Void>?
    private var failures = 0
    private var lastEventID: [UInt8]?
    private var isClosed = false
    /// Settled while the server has the stream open, or has said that it offers none.
    private let readiness: Readiness

    private static let mostFailures = 8

    init(_ peer: HTTPHandshakePeer) {
        self.peer = peer
        readiness = Readiness(peer.server.loop)
    }

    /// Opens it, where it is not; `ready` is told once the server has it, or will not.
    func open(_ access: PeerAccess, _ ready: @escaping () -> Void) {
        self.access = access
        if exchange == nil, timer == nil, !readiness.isSettled {
            failures = 0
            send()
        }
        readiness.wait(ready)
    }

    private func send() {
        guard !isClosed else { return }
        var request = peer.request(access)
        request.method = .get
        request.lane = .stream
        request.lastEventID = lastEventID
        exchange = MessageExchange.send(
            request,
            to: peer.server,
            onHead: { [weak self] head in
                guard head.isStream else { return }
                self?.failures = 0
                self?.readiness.settle()
            },
            onMessage: { [weak self] message in
                guard let self, !self.isClosed else { return }
                self.peer.receiveUnrelated(message, self.access)
            },
            onEnd: { [weak self] in self?.ended($0) }
        )
    }

    private func ended(_ how: MessageExchange.End) {
        lastEventID = exchange?.lastEventID ?? lastEventID
        let retry = exchange?.retry
        exchange = nil
        readiness.unsettle()
        guard !isClosed else { return }
        if case .answered(let answer) = how {
            readiness.settle()
            if answer.endsSession, peer.session != nil { return peer.lost() }
            // What is about the credential or the load holds for this time alone: the next listener asks again.
            if [401, 403, 429].contains(answer.status) || answer.status >= 500 { readiness.unsettle() }
            return
        }
        failures += 1
        guard failures <= Self.mostFailures else { return }
        let wait = TimeAmount.milliseconds(Int64(min(max(retry ?? 0, 250 << (failures - 1)), 30_000)))
        timer = peer.server.loop.assumeIsolated().scheduleTask(in: wait) { [weak self] in
            self?.timer = nil
            self?.send()
        }
    }

    func close() {
        isClosed = true
        timer?.cancel()
        exchange?.cancel()
        exchange = nil
        readiness.settle()
    }
}
