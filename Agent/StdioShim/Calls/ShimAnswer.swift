internal import MCP
internal import StrictJSON

/// Messages that the shim itself says to the client.
enum ShimAnswer {
    /// What starts the agent.
    static let command = "systemctl --user start doorward"

    /// The answer to a request that will have none.
    static func trouble(_ trouble: RequestMachine.Trouble, server: String, id: [UInt8]?) -> [UInt8] {
        switch trouble {
        case .noAgent:
            error(
                .serverDown,
                "agent_not_running",
                "The Doorward agent, through which \(server) is reached, is not running on this machine. Start it with "
                    + "`\(command)` (or `doorward agent`), and ask again.",
                ["command": .text(command)],
                id: id
            )
        case .lost:
            error(
                .serverDown,
                "agent_lost",
                "The connection to the Doorward agent broke off before \(server) had answered, and nobody knows whether "
                    + "this was done. Look before you repeat it; `doorward status` says whether the agent runs.",
                ["command": "doorward status"],
                id: id
            )
        case .silent(let status):
            error(
                .badAnswer,
                "no_answer",
                "The Doorward agent answered with HTTP \(status) and without a message. It may have done what it was asked; "
                    + "`doorward status` shows more.",
                ["command": "doorward status"],
                id: id
            )
        }
    }

    /// The answer to a request that would be one too many.
    static func busy(id: [UInt8]?) -> [UInt8] {
        error(
            .limited,
            "too_many_requests",
            "Too many requests are under way at once: wait for some of their answers, and send this one again.",
            ["retry_after_ms": 1000],
            id: id
        )
    }

    /// The answer to a line that is longer than a message may be.
    static func tooLong(_ longest: Int, id: [UInt8]?) -> [UInt8] {
        error(
            .invalidRequest,
            "too_large",
            "The message is over \(longest) bytes: send less, or raise the setting `limits.body` in config.yaml.",
            [:],
            id: id
        )
    }

    /// The answer to a message that cannot be sent as it is.
    static func unsendable(id: [UInt8]?) -> [UInt8] {
        error(
            .invalidRequest,
            "bad_header",
            "The message names a protocol version or an argument that cannot be in the head of a request.",
            [:],
            id: id
        )
    }

    private static func error(
        _ code: JSONRPCErrorCode,
        _ reason: JSONText,
        _ message: String,
        _ more: JSONObject,
        id: [UInt8]?
    ) -> [UInt8] {
        var data: JSONObject = ["reason": .string(reason)]
        for member in more.members { data[member.name] = member.value }
        return GatewayError.encode(code: code, message: message, data: data, id: id)
    }

    /// `notifications/initialized`, which the shim says when it begins a session anew.
    static let initialized = Array(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.utf8)

    /// Notifications that lists have changed, for a subscription that was begun anew: what changed in between was missed.
    ///
    /// - Parameters:
    ///   - acknowledgement: what the server said that it would tell of.
    ///   - id: the literal of the id of the subscription.
    /// - Returns: one message for each list that it tells of.
    static func missedChanges(_ acknowledgement: JSONValue, id: [UInt8]) -> [[UInt8]] {
        let accepted = acknowledgement["params"]?["notifications"]
        let kinds: [(JSONText, MCPMethod)] = [
            ("toolsListChanged", .toolsListChanged), ("promptsListChanged", .promptsListChanged),
            ("resourcesListChanged", .resourcesListChanged),
        ]
        return kinds.filter { accepted?[$0.0]?.bool == true }.map { _, method in
            Array(#"{"jsonrpc":"2.0","method":"\#(method.name)","params":{"_meta":{"#.utf8)
                + Array(#""io.modelcontextprotocol/subscriptionId":"#.utf8) + id + Array("}}}".utf8)
        }
    }
}
