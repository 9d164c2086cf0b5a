internal import AuditLog

/// A request that waits, since its client was refused too often: for the time of its own refusal, or to be looked at.
///
/// Its connection knows it as `delayed` until it is answered or the client has gone.
final class DelayedRequest {
    /// Why and under which facts a request is refused.
    struct Refused {
        let facts: CallAttributes
        let refusal: Refusal
        /// Where the literal of the request's id is in its bytes, which the connection keeps as long as it waits.
        let id: Range<Int>?
        let server: ServedServer?
    }

    private let connection: ClientConnection
    /// Nil for one that was not looked at.
    private let refused: Refused?

    init(on connection: ClientConnection, _ refused: Refused? = nil) {
        self.connection = connection
        self.refused = refused
    }

    /// Whether its client still waits for the answer.
    var isWaited: Bool { connection.delayed === self }

    /// Records the refusal and, where the client still waits for it, answers with it.
    func refuse() {
        guard let refused else { return }
        let isWaited = isWaited
        let id = isWaited ? connection.literal(refused.id) : nil
        connection.settleRefusal(refused.refusal, refused.facts, id: id, server: refused.server, isWaited: isWaited)
    }

    /// Has the request looked at that was not.
    func serve() {
        if isWaited { connection.serveDelayed() }
    }
}
