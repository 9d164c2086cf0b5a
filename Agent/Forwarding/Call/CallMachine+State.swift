internal import AuditLog
internal import StrictJSON
internal import Upstreams

extension CallMachine {
    /// Where the request is.
    enum State: Equatable {
        case idle
        /// Its beginning is laid out, and not yet in the spool's file.
        case recording(isStale: Bool)
        /// A credential is being renewed.
        case renewing
        /// The server's session is being begun.
        case beginning
        /// The request has left, and nothing has come back.
        case waiting
        case collecting
        case collectingError(status: Int, otherwise: Refusal)
        /// Events come; `isCommitted` once the head of the reply has gone to the client.
        case events(isCommitted: Bool)
        /// The rest of a refusal of the credential is read.
        case discarding
        /// A page of a list is whole, and what follows it in its answer is read before the next one is asked for.
        case turning
        /// The client has its answer; the rest is read so that the connection can be used again.
        case draining
    }

    /// Whether something is under way.
    var isActive: Bool { state != .idle }

    /// Whether the client waits for something.
    var isUnanswered: Bool {
        switch state {
        case .idle, .draining: false
        case .recording, .renewing, .beginning, .waiting, .collecting, .collectingError, .events, .discarding, .turning:
            true
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
}

extension UpstreamFailure {
    /// What the client is told of it.
    func refusal(_ server: JSONText) -> Refusal {
        switch self {
        case .notSent(let error): .failed(error, wasSent: false, server: server)
        case .afterSending(let error): .failed(error, wasSent: true, server: server)
        }
    }

    /// What is on record of it.
    var outcome: Outcome.Kind {
        switch self {
        case .notSent: .notSent
        case .afterSending(let error): error.code == .tooLarge ? .tooLarge : .upstreamError
        }
    }
}
