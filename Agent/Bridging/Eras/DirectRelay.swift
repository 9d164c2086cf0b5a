internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// A client's request as it goes to a server that may speak the client's era: its answer passes byte by byte, unless it
/// says that the server does not.
final class DirectRelay: ExchangeDelegate, PeerCall {
    private enum State {
        case waiting
        /// What has come is kept until it says something of eras.
        case collecting
        case passing
        case ended
    }

    private let call: BridgedCall
    private let judge: ((Int, PeerMessage?) -> EraEvidence)?
    private let decided: (EraEvidence, DirectRelay) -> Void
    private var exchange: UpstreamExchange?
    private var state = State.waiting
    private var head = ByteBuffer()
    private var status = 0
    private var contentType = MediaType.absent
    private var collected = ByteBuffer()
    private var events = EventReader(longest: longest)
    private var hasEnded = false

    /// An answer that is longer than this is taken for what it says it is.
    private static let longest = 256 << 10

    /// Sends the request.
    ///
    /// - Parameters:
    ///   - call: the client's request; it must have its bytes for the server.
    ///   - upstream: where it goes.
    ///   - judge: judges the answer; nil where it passes whatever it is.
    ///   - decided: told once; for `notSpoken` it decides what becomes of the answer, with `pass`.
    static func send(
        _ call: BridgedCall,
        to upstream: UpstreamServer,
        judge: ((Int, PeerMessage?) -> EraEvidence)? = nil,
        decided: @escaping (EraEvidence, DirectRelay) -> Void = { _, _ in }
    ) {
        guard let direct = call.request.direct else {
            return call.fail(.violated("The request cannot be sent as it is."))
        }
        let relay = DirectRelay(call, judge, decided)
        relay.exchange = upstream.send(
            head: direct.head,
            body: direct.body,
            lane: call.request.lane,
            client: call.request.clientNumber,
            isRepeatable: call.request.isRepeatable,
            delegate: relay
        )
        call.running = relay
    }

    private init(
        _ call: BridgedCall,
        _ judge: ((Int, PeerMessage?) -> EraEvidence)?,
        _ decided: @escaping (EraEvidence, DirectRelay) -> Void
    ) {
        self.call = call
        self.judge = judge
        self.decided = decided
    }

    var isReading = true {
        didSet { if case .passing = state { exchange?.isReading = isReading } }
    }

    func cancel(_ reason: String) {
        state = .ended
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
    }

    /// Passes what has come, and what is still to come.
    func pass() {
        guard case .collecting = state else { return }
        state = .passing
        call.exchange?.receive(head: head)
        call.exchange?.receive(body: collected)
        collected = ByteBuffer()
        if hasEnded { call.finish() } else { exchange?.isReading = isReading }
    }

    // MARK: What comes

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        guard case .waiting = state else { return }
        state = .collecting
        status = head.status
        contentType = head.contentType
        self.head.writeBytes(bytes[..<head.length])
        // Neither an outage nor a question of the credential says anything of eras.
        if let judge, judge(status, nil) != .none || (200...299).contains(status) { return }
        decide(.none)
    }

    func exchangeReceived(body: ByteBuffer) {
        switch state {
        case .waiting, .ended: break
        case .passing: call.exchange?.receive(body: body)
        case .collecting:
            collected.writeImmutableBuffer(body)
            guard collected.readableBytes <= Self.longest else { return decide(.none) }
            if contentType == .eventStream { readEvents(body) }
        }
    }

    func exchangeEnded() {
        exchange = nil
        hasEnded = true
        switch state {
        case .waiting, .ended: break
        case .passing:
            call.running = nil
            call.finish()
        case .collecting:
            let message = try? PeerMessage(ofServer: Array(collected.readableBytesView))
            decide(judge?(status, contentType == .json ? message : nil) ?? .none)
        }
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
        if case .ended = state { return }
        state = .ended
        call.running = nil
        call.fail(.failure(failure))
    }

    private func readEvents(_ body: ByteBuffer) {
        events.append(body)
        do {
            while let event = try events.next() {
                guard !event.data.isEmpty else { continue }
                let message = try? PeerMessage(ofServer: event.data)
                guard let judge, let message, message.kind == .response || message.kind == .errorResponse else {
                    return decide(.none)
                }
                return decide(judge(status, message))
            }
        } catch {
            decide(.none)
        }
    }

    private func decide(_ evidence: EraEvidence) {
        guard case .collecting = state else { return }
        decided(evidence, self)
        // For the other cases the code that has asked decides.
        if evidence != .notSpoken { pass() }
    }
}
