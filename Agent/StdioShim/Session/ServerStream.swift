internal import NIOCore
internal import Upstreams

/// The stream of a session on which the server says what belongs to no request; belongs to the event loop.
///
/// It is opened again whenever it ends, as long as the session is there: whatever else fails, the server's word gets through
/// once the agent runs again.
final class ServerStream {
    private unowned let shim: Shim
    private var attempt: AgentRequest?
    private var timer: Scheduled<Void>?
    private var lastEvent: [UInt8]?
    private var failures = 0
    private var isOpen = false

    init(shim: Shim) {
        self.shim = shim
    }

    /// Opens it; it is that already where it was opened before.
    func open() {
        guard !isOpen else { return }
        isOpen = true
        ask()
    }

    /// Closes it, and forgets where it was.
    func close() {
        isOpen = false
        timer?.cancel()
        timer = nil
        attempt?.cancel()
        attempt = nil
        lastEvent = nil
        failures = 0
    }

    private func ask() {
        guard isOpen, let head = shim.heads.get(shim.session.head, lastEvent: lastEvent) else { return }
        let attempt = shim.makeRequest(
            received: { self.received($0, $1) },
            ended: { self.ended($0, $1) }
        )
        self.attempt = attempt
        attempt.send(head, nil, lane: .stream, to: shim.agent)
    }

    private func received(_ request: AgentRequest, _ bytes: [UInt8]) {
        guard request.answer.isStream, let message = AgentMessage(bytes), !message.isResponse else { return }
        failures = 0
        lastEvent = request.answer.lastEvent ?? lastEvent
        shim.write(message.bytes)
    }

    private func ended(_ request: AgentRequest, _ end: AgentRequest.End) {
        guard isOpen, request === attempt else { return }
        attempt = nil
        guard case .ended(let answer) = end else { return askLater(nil) }
        shim.agentAnswers()
        lastEvent = answer.lastEvent ?? lastEvent
        switch answer.status {
        case 200...299: askLater(answer.retry)
        case 404: shim.session.renew(for: nil)
        case 400 where lastEvent != nil:
            // What came in between is lost.
            lastEvent = nil
            askLater(nil)
        case 500...: askLater(nil)
        // The server has none.
        default: isOpen = false
        }
    }

    private func askLater(_ retry: Int?) {
        failures += 1
        let pause = retry.map { min($0, 60_000) } ?? min(250 << min(failures - 1, 7), 10_000)
        timer = shim.loop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(pause))) { self.ask() }
    }
}
