internal import MCP
internal import NIOCore
internal import StrictJSON

/// Waits for one answer and for nothing else.
final class OneAnswer: PeerCallDelegate {
    enum Answer {
        case message(PeerMessage)
        case fault(PeerFault)
    }

    private let done: (Answer) -> Void

    init(_ done: @escaping (Answer) -> Void) {
        self.done = done
    }

    func peerSaid(_ message: PeerMessage) {}

    func peerAsked(_ message: PeerMessage) {}

    func peerAnswered(_ message: PeerMessage) { done(.message(message)) }

    func peerFailed(_ fault: PeerFault) { done(.fault(fault)) }
}

extension Opening {
    /// What an answer makes of a beginning.
    init(_ answer: OneAnswer.Answer) {
        switch answer {
        case .fault(let fault): self = .failed(fault)
        case .message(let message):
            if message.kind == .response, let result = message.answer.flatMap({ RawObject($0) }) {
                self = .begun(result)
            } else {
                self = .refused(message)
            }
        }
    }
}

/// An answer that was made here; told a moment later, as answers are.
final class LocalAnswer: PeerCall {
    private var delegate: (any PeerCallDelegate)?
    private let message: [UInt8]
    private let loop: any EventLoop
    var isReading = true

    /// An answer; with `isHeld` it waits until it is released.
    init(_ message: [UInt8], on loop: any EventLoop, _ delegate: any PeerCallDelegate, isHeld: Bool = false) {
        self.delegate = delegate
        self.message = message
        self.loop = loop
        if !isHeld { release() }
    }

    /// Tells it.
    func release() {
        loop.assumeIsolated().execute { self.tell() }
    }

    private func tell() {
        let delegate = delegate
        self.delegate = nil
        do {
            delegate?.peerAnswered(try PeerMessage(ofServer: message))
        } catch {
            delegate?.peerFailed(.violated("The answer cannot be written."))
        }
    }

    func cancel(_ reason: String) { delegate = nil }
}
