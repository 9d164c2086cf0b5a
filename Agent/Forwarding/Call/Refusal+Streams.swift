internal import MCP
internal import StrictJSON

// What is said of streams, and of what else has no id.
extension Refusal {
    /// The client wants to go on behind an event that it was not given.
    static let unknownEvent = Refusal(
        form: .rpc(status: 400),
        code: .invalidRequest,
        reason: "unknown_event",
        message: "No event with this id was sent in this session: open the stream without Last-Event-ID."
    )

    /// All connections hold too much, and most of it is of this server.
    static func crowded(_ server: JSONText) -> Refusal {
        .badAnswer(
            "too_large",
            "The server's unfinished answers are more than the agent can hold at once: ask for less, or raise the setting "
                + "`limits.memory` in config.yaml.",
            server: server
        )
    }

    /// The status in place of an error, for what has no id and so cannot be answered with one: the next request carries
    /// it.
    func status(for kind: CallKind) -> Int? {
        switch kind {
        case .request:
            return nil
        case .message:
            return 202
        case .stream:
            // Clients take anything else than 405 for an invitation to sign in, or for a reason to try again.
            return code == .serverDown && reason != "refused" ? 502 : 405
        case .delete:
            return code == .serverDown && reason != "refused" ? 502 : 204
        }
    }
}
