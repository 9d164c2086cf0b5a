internal import AuditLog
internal import MCP
internal import StrictJSON
internal import Upstreams

// What became of a request that has gone to its server.
extension Refusal {
    /// The server cannot be reached, is too slow or refuses.
    static func down(
        _ reason: JSONText,
        _ message: String,
        server: JSONText,
        since: Int64? = nil,
        retryAfterMilliseconds: Int? = nil
    ) -> Refusal {
        Refusal(
            code: .serverDown,
            reason: reason,
            message: naming(message),
            retryAfterMilliseconds: retryAfterMilliseconds,
            server: server,
            since: since
        )
    }

    /// The server could not be asked, or its answer not be had; `wasSent` if it may have got the request.
    static func failed(_ error: UpstreamError, wasSent: Bool, server: JSONText) -> Refusal {
        switch error.code {
        case .foreignServer: return .foreignServer(error.message, server: server)
        case .malformedResponse: return .badAnswer("malformed", error.message, server: server)
        case .tooLarge: return .tooLarge(server)
        case .timeout:
            let words = "\(error.message) Try again in a minute, `doorward status` shows how it does."
            return .down("timeout", words, server: server)
        // It is this machine that has no room: nothing is said about the server.
        case .noRoom, .tooManyConnections: return .down("busy", error.message, server: server)
        case .badURL, .refusedAddress:
            let words = "\(error.message) An administrator can register another address for it."
            var refusal = Refusal.down("unreachable", words, server: server)
            refusal.passes = false
            return refusal
        case .connect, .tls, .proxy, .down, .closed:
            let words = wasSent ? "\(error.message) It may have done what it was asked." : error.message
            return .down("unreachable", words, server: server)
        }
    }

    /// Nothing came from the server for as long as it may be silent, in nanoseconds; nil for what its entry says.
    static func timeout(after patience: Int64?, server: JSONText) -> Refusal {
        var refusal = Refusal.down(
            "timeout",
            "{server} was silent for {limit}, the longest that it may be, and was given up. It may have done what it was "
                + "asked. An administrator can give it longer, by `doorward admin servers add` with `--timeout SECONDS`.",
            server: server
        )
        refusal.limit = patience.map(seconds)
        return refusal
    }

    /// Nanoseconds as text.
    static func seconds(_ nanoseconds: Int64) -> String { "\(max(1, nanoseconds / 1_000_000_000)) s" }

    /// The agent ends while the server has not answered.
    static func stopping(_ server: JSONText) -> Refusal {
        .down(
            "stopping",
            "The agent was stopped before {server} had answered, and nobody knows whether this was done. Once "
                + "`doorward status` says that it runs again, look before you repeat it.",
            server: server
        )
    }

    /// The machine leaves its coordinator while the server has not answered.
    static func leaving(_ server: JSONText) -> Refusal {
        .down(
            "stopping",
            "This machine left its coordinator before {server} had answered, and nobody knows whether this was done. Look "
                + "before you repeat it, once `doorward login URL --token-file FILE` has enrolled the machine anew.",
            server: server
        )
    }

    /// The answer is too large, or breaks the protocol.
    static func badAnswer(_ reason: JSONText, _ message: String, server: JSONText) -> Refusal {
        Refusal(
            code: .badAnswer,
            reason: reason,
            message: "\(naming(message)) It may have done what it was asked.",
            server: server
        )
    }

    /// The answer has more bytes than may be.
    static func tooLarge(_ server: JSONText) -> Refusal {
        .badAnswer(
            "too_large",
            "The answer of {server} is over {limit}: ask for less, or raise the setting `limits.result` in config.yaml.",
            server: server
        )
    }

    /// A server that does not know what `server/discover` is: it speaks a revision of the handshake.
    static func notModern(_ status: Int, server: JSONText) -> Refusal {
        let isMissing = status == 404 || status == 405
        return Refusal(
            form: .rpc(status: status),
            code: isMissing ? .methodNotFound : .unsupportedVersion,
            reason: "handshake_server",
            message: "{server} answers `server/discover` with HTTP \(status), as servers of earlier revisions do: "
                + "begin with `initialize`.",
            server: server,
            more: isMissing
                ? [:]
                : [
                    "supported": .array(Revisions.handshake.reversed().map { .text($0) }),
                    "requested": .text(Revisions.modern.last ?? ""),
                ]
        )
    }

    /// What the record of a call says that ended so.
    var outcome: Outcome.Kind {
        code == .serverDown || code == .badAnswer || code == .userMustAct ? .upstreamError : .rpcError
    }

    /// A number of bytes as text.
    static func bytes(_ count: Int) -> String {
        if count >= 1 << 20, count % (1 << 20) == 0 { return "\(count >> 20) MiB" }
        if count >= 1 << 10, count % (1 << 10) == 0 { return "\(count >> 10) KiB" }
        return "\(count) bytes"
    }

    /// A message about a server, with the server's name in it.
    private static func naming(_ words: String) -> String {
        if words.hasPrefix("The server") { return "{server}" + words.dropFirst("The server".count) }
        return words.contains("{server}") ? words : "{server}: \(words)"
    }
}
