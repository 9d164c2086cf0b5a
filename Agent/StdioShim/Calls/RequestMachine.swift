internal import NIOCore

/// What becomes of a request of the client when an attempt at it has ended without its answer; pure.
///
/// The one thing that must never happen: that a call is done twice. What may have reached a server is sent again only if it
/// can be done twice, and is otherwise answered with an error that says so.
struct RequestMachine {
    enum Step: Equatable {
        /// Sends it (again) after so long.
        case send(after: TimeAmount)
        /// Asks for the rest of its stream after so long, behind the last event that came.
        case resume(after: TimeAmount)
        /// Begins the session anew, and sends it then.
        case renewSession
        case fail(Trouble)
    }

    /// Why there will be no answer.
    enum Trouble: Equatable {
        case noAgent
        /// It may have been done, and nobody knows.
        case lost
        /// The agent has answered with a status and nothing else.
        case silent(status: Int)
    }

    /// What kind of request it is.
    struct Kind {
        let isRepeatable: Bool
        /// Whether it lasts as long as the client listens.
        let isListening: Bool
        let isModern: Bool
    }

    private let kind: Kind
    private var outageSince: NIODeadline?
    private var failures = 0
    private var repeats = 0
    private var renewals = 0
    /// The last event at which the stream broke off, and how often it did so there.
    private var mark: [UInt8]?
    private var breaks = 0
    private static let mostRepeats = 3
    private static let mostBreaks = 5

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// Whether the rest of a stream is asked for, and not the request sent.
    private(set) var isResuming = false

    /// The agent answers.
    mutating func reached() {
        outageSince = nil
        failures = 0
    }

    /// The connection broke off.
    ///
    /// - Parameters:
    ///   - isSent: whether the agent may have heard the request.
    ///   - lastEvent: the id of the last event, where its stream can be taken up again.
    ///   - now: the time.
    ///   - patience: how long to wait for an agent that is not there.
    /// - Returns: what to do.
    mutating func failed(isSent: Bool, lastEvent: [UInt8]?, now: NIODeadline, patience: TimeAmount) -> Step {
        if !isSent || isResuming {
            let since = outageSince ?? now
            outageSince = since
            guard kind.isListening || now - since < patience else {
                return .fail(isResuming && !kind.isRepeatable ? .lost : .noAgent)
            }
            return isResuming ? .resume(after: pause()) : .send(after: pause())
        }
        return brokenOff(lastEvent, after: pause())
    }

    /// An answer has ended in which the request's own was not.
    mutating func ended(_ answer: AgentRequest.Answer, hasSession: Bool) -> Step {
        reached()
        if answer.isStream, (200...299).contains(answer.status) {
            return brokenOff(answer.lastEvent, after: .milliseconds(Int64(min(answer.retry ?? 1000, 60_000))))
        }
        if answer.status == 404, hasSession, !kind.isModern, renewals < 2 {
            // The agent does not know the session, so nobody has heard of the request; unless it was heard long ago.
            guard !isResuming || kind.isRepeatable else { return .fail(.lost) }
            renewals += 1
            isResuming = false
            return .renewSession
        }
        guard isResuming else { return .fail(.silent(status: answer.status)) }
        isResuming = false
        return again(after: pause())
    }

    /// The agent was stopped before it had the server's answer.
    mutating func stopped() -> Step? {
        guard kind.isRepeatable || kind.isListening, repeats < Self.mostRepeats else { return nil }
        return again(after: .seconds(1))
    }

    private mutating func brokenOff(_ lastEvent: [UInt8]?, after pause: TimeAmount) -> Step {
        guard let lastEvent, !kind.isModern else { return again(after: pause) }
        breaks = lastEvent == mark ? breaks + 1 : 1
        mark = lastEvent
        guard breaks <= Self.mostBreaks else { return again(after: pause) }
        isResuming = true
        return .resume(after: pause)
    }

    private mutating func again(after pause: TimeAmount) -> Step {
        isResuming = false
        if kind.isListening { return .send(after: pause) }
        guard kind.isRepeatable, repeats < Self.mostRepeats else { return .fail(.lost) }
        repeats += 1
        return .send(after: pause)
    }

    private mutating func pause() -> TimeAmount {
        failures += 1
        return .milliseconds(min(100 << min(failures - 1, 6), 2000))
    }
}
