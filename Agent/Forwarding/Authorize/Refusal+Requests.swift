internal import MCP
internal import StrictJSON

// What is wrong with the request itself.
extension Refusal {
    /// A body that is no message; before 2026-07-28 any other status than 200 ends the whole session of many clients.
    static func unreadable(_ error: EnvelopeError, _ era: Revisions.Era) -> Refusal {
        Refusal(
            form: .rpc(status: error.id != nil && era == .handshake ? 200 : 400),
            code: error.code,
            reason: "bad_request",
            message: "The message cannot be taken, so nothing was asked of {server}: \(error.message). "
                + "The program that sent it has to be mended."
        )
    }

    static func mismatch(_ mismatch: MCPHeaders.Mismatch) -> Refusal {
        Refusal(
            form: .rpc(status: 400),
            code: .headerMismatch,
            reason: "header_mismatch",
            message: "\(mismatch.message), so nothing was asked of {server}. The program that sent it has to be mended."
        )
    }

    /// A revision that the agent does not know; `requested` is what the client named.
    static func version(_ requested: JSONText) -> Refusal {
        let supported = Revisions.modern + Revisions.handshake.reversed()
        return Refusal(
            form: .rpc(status: 400),
            code: .unsupportedVersion,
            reason: "unsupported_version",
            message: "This revision of MCP is not known here, so nothing was asked of {server}: use one of "
                + "\(supported.joined(separator: ", ")).",
            more: ["supported": .array(supported.map { .text($0) }), "requested": .string(requested)]
        )
    }

    static func unknownMethod(_ era: Revisions.Era) -> Refusal {
        let revision = era == .modern ? Revisions.modern.last : Revisions.handshake.last
        return Refusal(
            form: .rpc(status: era == .modern ? 404 : 200),
            code: .methodNotFound,
            reason: "unknown_method",
            message: "MCP \(revision ?? "") has no such method, so nothing was asked of {server}: "
                + "ask for something else, or in a revision that has it."
        )
    }

    /// An alias that does not exist, or is not for this user: nothing tells the two apart.
    static let unknownServer = Refusal(
        form: .silent(status: 404),
        code: .denied,
        reason: "unknown_server",
        message: "There is no such server for you: `doorward servers` lists those that there are."
    )

    /// A session that this client does not have at this server: a client begins another then.
    static let unknownSession = Refusal(
        form: .rpc(status: 404),
        code: .invalidRequest,
        reason: "unknown_session",
        message: "There is no such session at {server} any more: begin another with `initialize`."
    )

    /// A server that keeps conversations apart, and a request that belongs to none.
    static func noThread(_ server: JSONText) -> Refusal {
        Refusal(
            code: .denied,
            reason: "no_thread",
            message:
                "{server} keeps conversations apart, and this request names none: begin a session with `initialize`, "
                + "or use the address /servers/{server}/threads/ID/mcp with an ID of your own for each conversation.",
            server: server
        )
    }

    /// A server that asks and asks.
    static let tooManyRequests = Refusal(
        code: .limited,
        reason: "too_many_requests",
        message:
            "Too many requests of {server} wait for the client: the next can be asked once one of them is answered."
    )

    /// The answer to a server that may not ask its client something: the server does not get to know the policy.
    var wordsForServer: String {
        switch code {
        case .notRecorded, .limited: words()
        default: "The policy of this client's user does not let a server ask that."
        }
    }
}
