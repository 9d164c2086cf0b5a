internal import AuditLog
internal import StrictJSON
internal import Upstreams

/// The life of one request from its first credential to the end of the exchange with the server.
///
/// It knows nothing of sockets and bytes: the driver tells it what happened and does what it says. Once it says
/// `refuse`, `reply`, `endSession`, `endStream`, `endStreamWith`, `suspend` or `cut`, or was told that the client is
/// answered or gone, what comes later from the server is dropped.
struct CallMachine {
    /// Where the request is.
    enum State: Equatable {
        case idle
        /// Its beginning is laid out, and not yet in the spool's file.
        case recording(isStale: Bool)
        /// A credential is being renewed.
        case renewing
        /// The request has left, and nothing has come back.
        case waiting
        case collecting
        case collectingError(status: Int, otherwise: Refusal)
        /// Events come; `isCommitted` once the head of the reply has gone to the client.
        case events(isCommitted: Bool)
        /// The rest of a refusal of the credential is read.
        case discarding
        /// The client has its answer; the rest is read so that the connection can be used again.
        case draining
    }

    private(set) var state = State.idle
    private(set) var kind = CallKind.message
    private var server: JSONText = ""
    private var hasRenewed = false
    private var wasSent = false

    /// Whether something is under way.
    var isActive: Bool { state != .idle }

    /// Whether the client waits for something.
    var isUnanswered: Bool {
        switch state {
        case .idle, .draining: false
        case .recording, .renewing, .waiting, .collecting, .collectingError, .events, .discarding: true
        }
    }

    /// Whether the rest of an answer is read that the client has long had.
    var isDraining: Bool {
        if case .draining = state { true } else { false }
    }

    /// Whether events come.
    var isReadingEvents: Bool {
        if case .events = state { true } else { false }
    }

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

    /// The record of the beginning could not be written.
    mutating func notRecorded() -> CallAction {
        guard case .recording = state else { return .none }
        return refuse(.notRecorded, .notSent)
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

    // MARK: The answer

    /// The head of the answer.
    mutating func head(_ facts: ResponseSummary) -> CallAction {
        guard state == .waiting else { return .none }
        switch ResponseRoute(facts, to: kind, server: server) {
        case .collect:
            state = .collecting
            return .none
        case .events:
            state = .events(isCommitted: kind == .stream)
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
        if case .events = state { state = .events(isCommitted: true) }
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
        case .draining:
            state = .idle
            return .release
        case .idle, .recording, .renewing, .waiting:
            return .none
        }
    }

    // MARK: What goes wrong

    /// The connection failed; `canResume` if the client can take the stream up again.
    mutating func failed(_ failure: UpstreamFailure, canResume: Bool = false) -> CallAction {
        switch state {
        case .idle, .recording, .renewing:
            return .none
        case .events where canResume:
            state = .idle
            return .suspend
        case .waiting, .collecting, .collectingError, .events:
            return stop(Self.refusal(failure, server), Self.outcome(failure))
        case .discarding, .draining:
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
        case .waiting, .collecting, .collectingError, .events, .discarding:
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
        let isCommitted = state == .events(isCommitted: true)
        state = .idle
        guard isCommitted else { return .refuse(refusal, outcome) }
        if case .request = kind { return .endStreamWith(refusal, outcome) }
        return .cut(outcome)
    }

    private static func refusal(_ failure: UpstreamFailure, _ server: JSONText) -> Refusal {
        switch failure {
        case .notSent(let error): .failed(error, wasSent: false, server: server)
        case .afterSending(let error): .failed(error, wasSent: true, server: server)
        }
    }

    private static func outcome(_ failure: UpstreamFailure) -> Outcome.Kind {
        switch failure {
        case .notSent: .notSent
        case .afterSending: .upstreamError
        }
    }
}
