internal import AuditLog
internal import StrictJSON
internal import Upstreams

/// The life of one request from its first credential to the end of the exchange with the server.
///
/// It knows nothing of sockets and bytes: the driver tells it what happened and does what it says. Once it says
/// `refuse`, `reply`, `endSession`, `endStream`, `endStreamWith`, `suspend` or `cut`, or was told that the client is
/// answered or gone, what comes later from the server is dropped.
struct CallMachine {
    private(set) var state = State.idle
    private(set) var kind = CallKind.message
    private var server: JSONText = ""
    private var hasRenewed = false
    private var wasSent = false
    /// Whether the server has said that it does not know the session.
    private(set) var hasLostSession = false
    /// Whether the head of an event stream has gone to the client: what follows goes out as events, and an error too.
    private var hasStream = false

    // MARK: Before the request has left

    /// Begins something that leaves no record.
    mutating func begin(_ kind: CallKind, server: JSONText, isStale: Bool) -> CallAction {
        hold(kind, server: server, isStale: isStale)
        return recorded()
    }

    /// Begins; nothing leaves until the begin record is written.
    mutating func hold(_ kind: CallKind, server: JSONText, isStale: Bool) {
        self = CallMachine()
        self.kind = kind
        self.server = server
        state = .recording(isStale: isStale)
    }

    /// The record of the beginning is not where it has to be before anything leaves.
    mutating func notRecorded(_ refusal: Refusal) -> CallAction {
        guard case .recording = state else { return .none }
        return refuse(refusal, .notSent)
    }

    /// The begin record is written.
    mutating func recorded() -> CallAction {
        guard case .recording(let isStale) = state else { return .none }
        if isStale {
            state = .renewing
            hasRenewed = true
            return .renew(isRejected: false)
        }
        state = .waiting
        wasSent = true
        return .send
    }

    /// The end of a renewal.
    mutating func renewed(_ credential: CredentialState) -> CallAction {
        guard state == .renewing else { return .none }
        switch credential {
        case .ready:
            state = .waiting
            wasSent = true
            return .send
        case .refused(let refusal):
            return refuse(.credential(refusal, server: server), wasSent ? .upstreamError : .notSent)
        case .stale, .notNeeded:
            return refuse(.credential(.needsSignIn, server: server), wasSent ? .upstreamError : .notSent)
        }
    }

    // MARK: The server's session

    /// The session has to be begun at the server before the request can leave.
    mutating func beginSession() -> CallAction {
        guard state == .waiting else { return .none }
        wasSent = hasLostSession
        state = .beginning
        return .beginSession
    }

    /// The server does not know the session, and so has not looked at the request: it goes out again in another one; once.
    mutating func sessionLost() -> CallAction {
        guard isActive else { return .none }
        guard !hasLostSession else { return stop(.losesSessions(server), .upstreamError) }
        hasLostSession = true
        state = .beginning
        return .beginSession
    }

    /// What the beginning of the session came to.
    mutating func sessionBegun(_ outcome: SessionBeginning.Outcome) -> CallAction {
        guard state == .beginning else { return .none }
        switch outcome {
        case .begun:
            state = .waiting
            wasSent = true
            return .send
        case .failed(let refusal):
            return stop(refusal, wasSent ? .upstreamError : .notSent)
        case .unauthorized:
            guard !hasRenewed else {
                return stop(.credential(.needsSignIn, server: server), wasSent ? .upstreamError : .notSent)
            }
            state = .renewing
            hasRenewed = true
            return .renew(isRejected: true)
        }
    }

    // MARK: The answer

    /// The head of the answer.
    mutating func head(_ facts: ResponseSummary) -> CallAction {
        guard state == .waiting else { return .none }
        switch ResponseRoute(facts, to: kind, server: server) {
        case .collect:
            state = .collecting
            return .none
        case .events:
            state = .events(isCommitted: kind == .stream || hasStream)
            return kind == .stream ? .openStream : .none
        case .collectError(let status, let refusal):
            state = .collectingError(status: status, otherwise: refusal)
            return .none
        case .status(let status):
            state = .draining
            return .reply(status: status, (200...299).contains(facts.status) ? .ok : .upstreamError)
        case .sessionEnded:
            state = .draining
            return .endSession
        case .unauthorized:
            return unauthorized()
        case .refuse(let refusal):
            state = .draining
            return .refuse(refusal, refusal.outcome)
        }
    }

    /// A 401: once the credential is renewed, then it is the user's turn.
    private mutating func unauthorized() -> CallAction {
        guard hasRenewed else {
            state = .discarding
            return .none
        }
        state = .draining
        return .refuse(.credential(.needsSignIn, server: server), .upstreamError)
    }

    /// The head of the reply has gone to the client.
    mutating func committed() {
        guard case .events = state else { return }
        state = .events(isCommitted: true)
        hasStream = true
    }

    /// The answer brought a page of a list, which is not the last.
    ///
    /// - Parameter isOver: whether the exchange with the server has ended.
    /// - Returns: the request for the next page, where it can be made at once.
    mutating func pageReceived(isOver: Bool) -> CallAction {
        guard isUnanswered else { return .none }
        hasRenewed = false
        state = isOver ? .waiting : .turning
        return isOver ? .send : .none
    }

    /// The response to the request has gone to the client.
    mutating func answered() {
        if isUnanswered { state = .draining }
    }

    /// The answer has ended.
    mutating func ended() -> CallAction {
        switch state {
        case .collecting:
            return .judge
        case .collectingError(let status, let refusal):
            return .judgeError(status: status, otherwise: refusal)
        case .events:
            state = .idle
            return .endStream
        case .discarding:
            state = .renewing
            hasRenewed = true
            return .renew(isRejected: true)
        case .turning:
            state = .waiting
            return .send
        case .draining:
            state = .idle
            return .release
        case .idle, .recording, .renewing, .beginning, .waiting:
            return .none
        }
    }

    // MARK: What goes wrong

    /// The connection failed; `canResume` if the client can take the stream up again.
    mutating func failed(_ failure: UpstreamFailure, canResume: Bool = false) -> CallAction {
        switch state {
        case .idle, .recording, .renewing, .beginning:
            return .none
        case .events where canResume:
            state = .idle
            return .suspend
        case .waiting, .collecting, .collectingError, .events:
            return stop(failure.refusal(server), failure.outcome)
        case .discarding, .turning, .draining:
            return ended()
        }
    }

    /// Nothing came for so long as the server may be silent; `canResume` if the client can take the stream up again.
    mutating func timedOut(canResume: Bool = false) -> CallAction {
        switch state {
        case .idle, .recording, .draining:
            return .none
        case .events where canResume:
            // It may be the connection that is dead.
            state = .idle
            return .suspend
        case .renewing:
            let words = "The server's sign-in service is too slow: try again in a minute."
            return refuse(.down("timeout", words, server: server), wasSent ? .timeout : .notSent)
        case .beginning:
            return stop(.noOtherSession(server, because: "it was silent for too long."), .notSent)
        case .waiting, .collecting, .collectingError, .events, .discarding, .turning:
            return stop(.timeout(after: nil, server: server), .timeout)
        }
    }

    /// A result or an event is larger than may be.
    mutating func tooLarge() -> CallAction {
        guard isUnanswered else { return .none }
        return stop(.tooLarge(server), .tooLarge)
    }

    /// The agent ends, or with `isLeaving` the membership under which the call began: the agent cannot know what the
    /// server makes of a request that has left.
    mutating func stopping(isLeaving: Bool = false) -> CallAction {
        guard isUnanswered else { return .none }
        return stop(isLeaving ? .leaving(server) : .stopping(server), wasSent ? .unknown : .notSent)
    }

    /// A list is longer than is put together.
    mutating func tooLong(_ reason: JSONText, _ message: String) -> CallAction {
        guard isUnanswered else { return .none }
        return stop(.badAnswer(reason, message, server: server), .tooLarge)
    }

    /// What came is not a message that may pass, or not the one that was due; `reason` is a code, `message` for people.
    mutating func violated(_ reason: JSONText, _ message: String) -> CallAction {
        guard isUnanswered else { return .none }
        return stop(.badAnswer(reason, message, server: server), .upstreamError)
    }

    /// All connections together hold too much, and this call holds most of it.
    mutating func crowded() -> CallAction {
        guard isUnanswered else { return .none }
        return stop(.crowded(server), .tooLarge)
    }

    /// The client is gone; what it waited for ends.
    mutating func abandoned() {
        state = .idle
    }

    private mutating func refuse(_ refusal: Refusal, _ outcome: Outcome.Kind) -> CallAction {
        state = .idle
        return .refuse(refusal, outcome)
    }

    /// Answers with an error, as the last event where others have gone out; what answers no request is broken off.
    private mutating func stop(_ refusal: Refusal, _ outcome: Outcome.Kind) -> CallAction {
        let isCommitted = hasStream || state == .events(isCommitted: true)
        state = .idle
        guard isCommitted else { return .refuse(refusal, outcome) }
        if case .request = kind { return .endStreamWith(refusal, outcome) }
        return .cut(outcome)
    }
}
