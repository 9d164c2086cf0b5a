import NIOCore

/// One request and its response; belongs to the event loop.
package final class UpstreamExchange {
    enum State {
        /// In its server's queue, until the deadline.
        case waiting(Scheduled<Void>)
        /// A connection is being made for it.
        case connecting(ConnectAttempt)
        case running(UpstreamConnection)
        /// Waits for a connection that it shares with others.
        case joining(HTTP2Sessions)
        case stream(HTTP2Stream)
        /// Answered elsewhere, as a server that speaks another way would be asked.
        case elsewhere(any ExchangeSource)
        case ended
    }

    /// Which limit it counts against.
    package let lane: ExchangeLane
    /// Whose stream it is.
    let client: Int
    /// Whether it is sent once more, should the server close the connection without a byte of an answer.
    var isRepeatable: Bool
    /// Whether it was sent and is sent once more.
    var isRepeated = false
    /// Whether the server has refused one version of HTTP for it, and the other is tried.
    var hasChangedProtocol = false
    /// Whether it was given back once, as nobody had looked at it.
    private var wasGivenBack = false
    /// Nil for one that is answered elsewhere.
    let server: UpstreamServer?
    var state = State.ended
    /// The bytes that are collected elsewhere until they can be told.
    package internal(set) var held = 0
    private(set) var delegate: (any ExchangeDelegate)?

    /// What is to be sent first: the head, with a short body behind it.
    private(set) var head: ByteBuffer
    /// A longer body.
    private(set) var body: ByteBuffer?
    private var wantsReading = true
    /// Up to here a copy is cheaper than a second write (measured).
    private static let joinedBody = 8192

    init(
        head: ByteBuffer,
        body: ByteBuffer?,
        lane: ExchangeLane,
        client: Int,
        isRepeatable: Bool,
        server: UpstreamServer,
        delegate: any ExchangeDelegate
    ) {
        self.head = head
        if let body, body.readableBytes <= Self.joinedBody {
            self.head.writeImmutableBuffer(body)
        } else {
            self.body = body
        }
        self.lane = lane
        self.client = client
        self.isRepeatable = isRepeatable
        self.server = server
        self.delegate = delegate
    }

    /// An exchange that is answered elsewhere: `source` tells its response with the functions below, never before the code
    /// that sends it has it, and counts it itself.
    package init(elsewhere source: any ExchangeSource, lane: ExchangeLane, delegate: any ExchangeDelegate) {
        head = ByteBuffer()
        self.lane = lane
        client = 0
        isRepeatable = false
        server = nil
        self.delegate = delegate
        state = .elsewhere(source)
    }

    /// Whether nothing more will be told to the delegate.
    package var isEnded: Bool { delegate == nil }

    /// Whether it is on a connection, so that the server may have heard of it.
    package var isRunning: Bool {
        switch state {
        case .running, .stream, .elsewhere: true
        case .waiting, .connecting, .joining, .ended: false
        }
    }

    /// Has another delegate hear of what is still to come.
    package func handOver(to other: any ExchangeDelegate) {
        guard delegate != nil else { return }
        delegate = other
    }

    /// Stops it in any state; the delegate hears nothing more.
    ///
    /// A request that was written takes its connection with it.
    ///
    /// - Parameter reason: why, where the server is to blame (it was silent for too long): its health shows it.
    package func cancel(_ reason: UpstreamError? = nil) {
        guard delegate != nil else { return }
        if let reason { server?.noteFailure(reason) }
        let state = state
        end()
        switch state {
        case .waiting(let deadline):
            deadline.cancel()
            server?.leaveQueue(self)
        case .connecting(let attempt):
            attempt.abandon()
            server?.attemptAbandoned(for: self)
        case .running(let connection):
            connection.abort()
            server?.freeSlot(of: self)
        case .joining(let sessions):
            sessions.leave(self)
            server?.freeSlot(of: self)
        case .stream(let stream):
            stream.cancel()
            server?.freeSlot(of: self)
        case .elsewhere(let source):
            source.cancel()
        case .ended:
            break
        }
    }

    /// Whether the response is read: the delegate sets it to false while it has enough of the body.
    ///
    /// What was read before still comes.
    package var isReading: Bool {
        get { wantsReading }
        set {
            guard wantsReading != newValue else { return }
            wantsReading = newValue
            switch state {
            case .running(let connection): connection.setReading(newValue)
            case .stream(let stream): stream.setReading(newValue)
            case .elsewhere(let source): source.setReading(newValue)
            case .waiting, .connecting, .joining, .ended: break
            }
        }
    }

    /// Takes note that it is given back, as nobody has looked at it; false where it was before.
    func takeRefusal() -> Bool {
        defer { wasGivenBack = true }
        return !wasGivenBack
    }

    /// Lets go of what was written; until then it may have to be written again.
    func forgetRequest() {
        head = ByteBuffer()
        body = nil
    }

    /// Ends it, and returns the delegate that is to hear of it.
    @discardableResult
    func end() -> (any ExchangeDelegate)? {
        let last = delegate
        delegate = nil
        state = .ended
        return last
    }
}
