import NIOCore

/// One request and its response; belongs to the event loop.
package final class UpstreamExchange {
    enum State {
        /// In its server's queue, until the deadline.
        case waiting(Scheduled<Void>)
        /// A connection is being made for it.
        case connecting(ConnectAttempt)
        case running(UpstreamConnection)
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
    let server: UpstreamServer
    var state = State.ended
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

    /// Whether nothing more will be told to the delegate.
    package var isEnded: Bool { delegate == nil }

    /// Whether it is on a connection, so that the server may have heard of it.
    package var isRunning: Bool {
        if case .running = state { return true }
        return false
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
        if let reason { server.noteFailure(reason) }
        let state = state
        end()
        switch state {
        case .waiting(let deadline):
            deadline.cancel()
            server.leaveQueue(self)
        case .connecting(let attempt):
            attempt.abandon()
            server.attemptAbandoned(for: self)
        case .running(let connection):
            connection.abort()
            server.freeSlot(of: self)
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
            if case .running(let connection) = state { connection.setReading(newValue) }
        }
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
