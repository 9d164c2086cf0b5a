internal import AuditLog

/// What the driver of a call does next.
enum CallAction: Equatable {
    case none
    /// Send the request upstream, with the credential at hand.
    case send
    /// Ask for another credential; `isRejected` if the server refused the one at hand.
    case renew(isRejected: Bool)
    /// Begin the server's session, in which the request then goes out.
    case beginSession
    /// Begin the event stream to the client.
    case openStream
    /// The one message is whole: judge it.
    case judge
    /// The body of an error is whole: pass a JSON-RPC error on with the status, else refuse.
    case judgeError(status: Int, otherwise: Refusal)
    /// Answer in the server's place, and end the call.
    case refuse(Refusal, Outcome.Kind)
    /// Answer with a status alone; the outcome is what the server made of it.
    case reply(status: Int, Outcome.Kind)
    /// The session has ended: tell the client so.
    case endSession
    /// The server ended the event stream, without a response to the request if there was one.
    case endStream
    /// End the event stream with an answer in the server's place, as its last event.
    case endStreamWith(Refusal, Outcome.Kind)
    /// Break the stream off: the client can take it up again, and the call goes on.
    case suspend
    /// End the stream so that the client sees that something is missing.
    case cut(Outcome.Kind)
    /// The exchange with the server is over, and the client has long had its answer.
    case release
}
