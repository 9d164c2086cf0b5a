internal import MCP
internal import StrictJSON

// What is refused by its status, before it is a request to a server.
extension Refusal {
    /// The refusal of a status.
    ///
    /// - Parameters:
    ///   - status: of HTTP.
    ///   - message: what is wrong, for statuses that can mean several things.
    ///   - allowed: the methods that the address takes.
    ///   - bounds: of heads and bodies.
    init(status: Int, _ message: String?, allowed: StaticString, _ bounds: ForwardingConfiguration) {
        let (reason, words) = Self.words(status, allowed, bounds) ?? ("bad_request", message ?? "This is not possible.")
        let code: JSONRPCErrorCode =
            switch status {
            case 401: .userMustAct
            case 403, 404: .denied
            case 500...: .internalError
            default: .invalidRequest
            }
        self.init(
            form: .silent(status: status),
            code: code,
            reason: reason,
            message: words,
            command: status == 401 ? Self.addClient : nil
        )
    }

    private static let addClient = "doorward client add NAME"

    private static func words(
        _ status: Int,
        _ allowed: StaticString,
        _ bounds: ForwardingConfiguration
    ) -> (JSONText, String)? {
        switch status {
        case 401:
            (
                "unknown_client",
                "The credential of this client is missing, or not known here: run `\(addClient)`, and send what it shows "
                    + "(Authorization: Bearer dwc1_...)."
            )
        case 403:
            (
                "foreign_origin",
                "A web page of this origin may not call the agent: the setting `origins` in config.yaml names those that "
                    + "may."
            )
        case 404: (unknownServer.reason, unknownServer.message)
        case 405: ("method_not_allowed", "This address takes \(allowed) alone.")
        case 408:
            (
                "too_slow",
                "The request did not come in time: its head has \(seconds(bounds.headDeadline)), and its body may rest for "
                    + "\(seconds(bounds.bodyRest)). Send it again."
            )
        case 413:
            (
                "too_large",
                "The request is over \(bytes(bounds.longestBody)): send less, or raise the setting `limits.body` in "
                    + "config.yaml."
            )
        case 415: ("media_type", "The body of a request must be application/json, without a Content-Encoding.")
        case 421:
            (
                "wrong_host",
                "This is not the agent's own address: use http://127.0.0.1:PORT, as `doorward status` shows it."
            )
        case 431:
            (
                "head_too_large",
                "The head of the request is over \(bytes(bounds.longestHead)): send fewer or shorter headers, or raise the "
                    + "setting `limits.head` in config.yaml."
            )
        case 502: ("bad_gateway", "The server does not answer as it should: `doorward status` shows more.")
        case 503: ("busy", "The agent has no room for this at the moment: try again in a few seconds.")
        default: nil
        }
    }

    private static func seconds(_ duration: Duration) -> String { "\(max(1, duration.components.seconds)) s" }
}
