internal import MCP
internal import NIOCore
internal import StrictJSON

/// One session of a client of the handshake era.
final class HandshakeClientSession: PeerListener {
    let id: JSONText
    let client: JSONText
    let peer: any HandshakePeer
    var lastUsed: Int64 = 0
    private unowned let front: HandshakeFront
    /// The stream on which the client hears what belongs to no request.
    private var stream: BridgedCall?
    /// What was said on it, behind which a client goes on, whatever came in between.
    private let log: EventLog
    private var hasListened = false
    /// Changes of lists that came while there was no such stream: they are worth telling on any later one.
    private var untold: [PeerMessage] = []

    /// The requests that are under way, by their ids and by their streams.
    private var running: [RequestID: ResumableCall] = [:]
    private var streams: [Int: ResumableCall] = [:]
    private var lastStream = 0
    /// Those whose client is away, the oldest first.
    private var kept: [ResumableCall] = []
    /// What tells the ids of its events from those of all others.
    private let name = UInt64.random(in: 1 ... .max)
    /// Whether the client knows events without a message.
    private let knowsMarks: Bool

    private static let mostUntold = 16
    /// The most requests that wait for a client to come back.
    private static let mostKept = 64
    private static let marksSince = "2025-11-25"

    init(_ id: JSONText, client: JSONText, revision: String, peer: any HandshakePeer, front: HandshakeFront) {
        self.id = id
        self.client = client
        self.peer = peer
        self.front = front
        knowsMarks = revision >= Self.marksSince
        log = EventLog(front.events)
        peer.listeners.add(self)
    }

    var loop: any EventLoop { front.loop }

    func close(_ access: PeerAccess) {
        peer.listeners.remove(self)
        for call in kept { call.takeBack("The session has ended.") }
        peer.close(access)
        stream?.finish()
        stream = nil
    }

    // MARK: Requests

    /// Sends a request of the client on; `answered` sees the response before the client.
    func ask(_ message: PeerMessage, _ call: BridgedCall, _ answered: @escaping (PeerMessage) -> Void) {
        var request = PeerRequest(method: message.method, params: message.members)
        request.id = call.id
        request.client = client
        request.access = call.access
        lastStream += 1
        let resumable = ResumableCall(call, stream: lastStream, of: self, budget: front.events)
        resumable.onAnswer = answered
        streams[lastStream] = resumable
        if let id = message.id { running[id] = resumable }
        let mayTakeLong = [.toolsCall, .promptsGet, .resourcesRead].contains(message.method)
        resumable.begin(request, at: peer, isMarkedSoon: mayTakeLong && knowsMarks, on: loop)
    }

    /// Hears a notification of the client.
    func hear(_ message: PeerMessage, _ access: PeerAccess) {
        guard message.method == .cancelled else { return peer.notify(message.method, message.members, access) }
        guard let id = message.cancelled else { return }
        running[id]?.takeBack("The client has taken it back.")
    }

    /// The id of an event.
    func mark(stream: Int, _ number: Int) -> String { EventMark(stream: stream, number: number).text(name) }

    /// Keeps a request whose client is away; the oldest ends where there are too many.
    func keep(_ call: ResumableCall) {
        kept.removeAll { !$0.isAway || $0 === call }
        kept.append(call)
        if kept.count > Self.mostKept { kept[0].takeBack("Too many requests wait for their client.") }
    }

    /// Forgets a request that has ended.
    func forget(_ call: ResumableCall, stream: Int) {
        streams[stream] = nil
        kept.removeAll { $0 === call }
        for (id, each) in running where each === call { running[id] = nil }
    }

    // MARK: What belongs to no request

    /// Takes the client's stream: one that it takes up again, or the one of what belongs to no request, of which the
    /// newest is the one that is read.
    func listen(_ call: BridgedCall) {
        let mark = call.request.lastEventID.flatMap { EventMark($0, of: name) }
        if let mark, let resumed = streams[mark.stream] { return resumed.resume(call, after: mark.number) }
        stream?.finish()
        stream = call
        call.onEnd = { [weak self, weak call] in
            guard let self, self.stream === call else { return }
            self.stream = nil
        }
        call.beginStream()
        if let mark, mark.stream == 0 {
            for event in log.events(after: mark.number) {
                call.say(event.message, event: self.mark(stream: 0, event.number))
            }
        } else {
            if knowsMarks { call.say(mark: self.mark(stream: 0, log.last)) }
            for message in untold { tell(message, on: call) }
        }
        untold = []
        hasListened = true
        peer.listen(call.access) {}
    }

    private func tell(_ message: PeerMessage, on call: BridgedCall) {
        let number = log.add(message.bytes).number
        call.say(message.bytes, event: mark(stream: 0, number))
    }

    func peerSaidAside(_ message: PeerMessage) {
        if let stream { return tell(message, on: stream) }
        if message.kind == .request {
            guard let id = message.idLiteral else { return }
            let fault = RPCText.fault(.methodNotFound, "The client has no stream on which it could be asked this.")
            return peer.answer(id, RPCText.error(id, fault), PeerAccess())
        }
        if hasListened { log.add(message.bytes) }
        let isChange = [.toolsListChanged, .promptsListChanged, .resourcesListChanged].contains(message.method)
        guard isChange, untold.count < Self.mostUntold, !untold.contains(where: { $0.method == message.method })
        else { return }
        untold.append(message)
    }

    func peerEnded() {
        stream?.finish()
        stream = nil
        front.forget(self)
    }
}
