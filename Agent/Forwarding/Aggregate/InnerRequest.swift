internal import Bytes
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// Hears of the answer to one inner request, on the event loop; possibly before `start` has returned.
protocol InnerRequestDelegate: AnyObject {
    /// The answer came in one piece, and nothing follows.
    ///
    /// `status` is of HTTP, `isJSON` says whether the body is a message, which is valid during the call only, and `record`
    /// is the audit id of the call.
    func innerAnswered(
        _ request: InnerRequest,
        status: Int,
        isJSON: Bool,
        body: UnsafeRawBufferPointer,
        record: RandomID?
    )

    /// An event stream begins.
    func innerOpened(_ request: InnerRequest, record: RandomID?)

    /// An event came, which is a message; or a mark without one, where `message` is empty.
    func innerReceived(_ request: InnerRequest, message: UnsafeBufferPointer<UInt8>, id: UnsafeRawBufferPointer?)

    /// The event stream has ended, or, with `isWhole` false, was cut; nothing follows.
    func innerEnded(_ request: InnerRequest, isWhole: Bool)
}

/// A request of the agent to one of its own endpoints: for a client of the endpoint of all servers the agent is a client of
/// each.
///
/// It is served by a `ClientConnection` without a socket, in the name of the client: so guards, limits, records, sessions and
/// what is hidden of an answer are for a tool that is called `ALIAS__tool` what they are for it at its server's own
/// endpoint, and nothing here decides on a call.
final class InnerRequest {
    let alias: JSONText
    private let connection: ClientConnection
    private weak var delegate: (any InnerRequestDelegate)?
    /// Holds the delegate until the answer is whole, as the connection of a client would.
    private var held: (any InnerRequestDelegate)?
    private var chunks = ChunkDecoder()
    private var splitter: EventStreamSplitter?
    private var collected = ByteBuffer()
    private var isOver = false

    init(to alias: JSONText, on outer: ClientConnection, delegate: any InnerRequestDelegate) {
        self.alias = alias
        self.delegate = delegate
        held = delegate
        connection = ClientConnection(path: outer.path, listener: outer.listener, isInner: true)
        connection.known = outer.known
    }

    /// Has it served.
    func start(_ message: InnerMessage, for asker: RequestContext, _ trace: TraceContext) {
        guard let request = message.request(to: alias, trace) else { return broke() }
        var scanner = RequestHeadScanner()
        guard request.withUnsafeReadableBytes({ scanner.scan($0) }) == .complete else { return broke() }
        let head = scanner.head
        var visit = RequestContext(method: message.method)
        visit.client = asker.client
        visit.clientNumber = asker.clientNumber
        visit.how = asker.how
        visit.route = request.withUnsafeReadableBytes { Route(head.path.slice(of: $0)) }
        connection.serveInner(request, head, visit, self)
    }

    /// Nobody wants the answer any more: what goes on for it ends as when a client goes away.
    func cancel() {
        guard !isOver else { return }
        end()
        connection.closeInner()
    }

    /// Whether the client takes more: else nothing is read from the server.
    func setWritable(_ isWritable: Bool) {
        if !isOver { connection.setInnerWritable(isWritable) }
    }

    private func end() {
        isOver = true
        held = nil
        collected = ByteBuffer()
    }

    // MARK: What the connection says

    func answered(_ head: ReplyHead, _ body: UnsafeRawBufferPointer, _ record: RandomID?) {
        guard !isOver, let delegate else { return }
        let isJSON = if case .json = head.content { !body.isEmpty } else { false }
        end()
        delegate.innerAnswered(self, status: head.status, isJSON: isJSON, body: body, record: record)
    }

    func opened(_ record: RandomID?) {
        guard !isOver, let delegate else { return }
        splitter = EventStreamSplitter(maxEventBytes: connection.gate.configuration.longestReply + 4096)
        delegate.innerOpened(self, record: record)
    }

    /// A part of an event stream, in chunks, as it would have gone to a socket.
    func received(_ buffer: ByteBuffer) {
        var position = 0
        buffer.withUnsafeReadableBytes { bytes in
            while !isOver {
                switch chunks.next(bytes, from: &position) {
                case .data(let range):
                    collected.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
                    continue
                case .incomplete: split()
                case .ended: split(isLast: true)
                case .malformed: broke()
                }
                return
            }
        }
    }

    private func split(isLast: Bool = false) {
        let events = collected
        collected = ByteBuffer()
        var rest = 0
        events.withUnsafeReadableBytes { bytes in
            while !isOver, case .event(let event)? = splitter?.next(in: bytes) { receive(event, bytes) }
            rest = splitter?.discard() ?? 0
        }
        if !isOver, rest < events.readableBytes {
            collected =
                events.getSlice(at: events.readerIndex + rest, length: events.readableBytes - rest) ?? ByteBuffer()
        }
        if isLast { finish(isWhole: true) }
    }

    private func receive(_ event: ServerSentEvent, _ bytes: UnsafeRawBufferPointer) {
        let id = event.id.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
        guard event.hasData || id != nil else { return }
        var joined: [UInt8] = []
        event.appendData(from: bytes, to: &joined)
        joined.withUnsafeBufferPointer { delegate?.innerReceived(self, message: $0, id: id) }
    }

    /// The stream was cut, or there is no answer.
    func broke() { finish(isWhole: false) }

    private func finish(isWhole: Bool) {
        guard !isOver, let delegate else { return }
        end()
        delegate.innerEnded(self, isWhole: isWhole)
    }
}

// A connection without a socket.
extension ClientConnection {
    /// Serves a request as if a client had sent it.
    func serveInner(_ request: ByteBuffer, _ head: RequestHead, _ visit: RequestContext, _ inner: InnerRequest) {
        self.inner = inner
        self.request = request
        self.head = head
        self.visit = visit
        state.opened()
        path.table.add(self)
        state.requestTaken(gate.now())
        serve()
    }

    /// The one answer is whole; what its server still sends is read for the sake of its connection.
    func finishInner() {
        inner = nil
        guard isDraining else { return path.table.remove(self) }
        state.wait(for: .request(isDraining: true), gate.now())
        armTable()
    }

    /// The answer is cut.
    func breakInner() {
        let inner = inner
        closeInner()
        inner?.broke()
    }

    /// Nobody waits for the answer.
    func closeInner() {
        inner = nil
        state.closed()
        path.table.remove(self)
        loseRequest()
        account()
    }

    func setInnerWritable(_ isWritable: Bool) {
        state.writable(isWritable, gate.now())
        call?.exchange?.isReading = isWritable
        armTable()
        call?.arm()
    }
}
