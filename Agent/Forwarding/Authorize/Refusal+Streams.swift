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

    /// GET and DELETE, which the newest revisions do not have.
    static let noBareMethods = Refusal(
        form: .silent(status: 405),
        code: .invalidRequest,
        reason: "method_not_allowed",
        message:
            "MCP \(Revisions.modern.last ?? "") asks by POST alone: `subscriptions/listen` opens a stream, and there are no "
            + "sessions to end."
    )

    /// A DELETE that says no session.
    static let noSession = Refusal(
        form: .rpc(status: 400),
        code: .invalidRequest,
        reason: "no_session",
        message: "DELETE ends a session at {server}, and the header Mcp-Session-Id says which: it is missing."
    )

    /// What a server makes of a GET or a DELETE, by the status that the client gets for it.
    static func bare(_ status: Int, _ kind: CallKind, server: JSONText) -> Refusal {
        let words =
            switch (kind, status) {
            case (.stream, 405):
                "{server} opens no stream of its own for you: its answers come with each request all the same."
            case (_, 502):
                "{server} does not answer as it should: try again in a minute, `doorward status` shows how it does."
            default: "{server} refuses this with HTTP \(status), and the agent cannot say why: ask its operator."
            }
        return .down(status == 502 ? "bad_gateway" : "refused", words, server: server)
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

// What is said of a session that its server has lost.
extension Refusal {
    /// A call was under way in a session of the server that is no more.
    static func lostWithSession(_ server: JSONText) -> Refusal {
        .down(
            "session_lost",
            "{server} has lost the session in which this was asked, and nobody knows whether it was done. Look before you "
                + "repeat it: the session itself goes on.",
            server: server
        )
    }

    /// The server begins sessions and does not know them at the next request.
    static func losesSessions(_ server: JSONText) -> Refusal {
        .down(
            "session_lost",
            "{server} does not know the session that it has begun just now, so nothing was done: several programs may stand "
                + "behind its address. Its operator can tell more.",
            server: server
        )
    }

    /// The server has lost the session and does not begin another one, for this reason.
    static func noOtherSession(_ server: JSONText, because words: String) -> Refusal {
        .down(
            "session_lost",
            "{server} has lost this session and does not begin another: \(words) Nothing was done; try again in a minute, "
                + "`doorward status` shows how it does.",
            server: server
        )
    }
}
