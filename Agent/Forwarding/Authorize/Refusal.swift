internal import AuditLog
internal import Bytes
internal import MCP
internal import Policy
internal import StrictJSON

/// An answer that the agent gives itself to a request: why, with all the text that the answer and its record need.
///
/// Many clients show the message and nothing else, so it says all: the server's alias, what happened, how it goes on.
struct Refusal: Equatable {
    /// How the answer looks over HTTP.
    enum Form: Equatable {
        /// A JSON-RPC error with this status.
        case rpc(status: Int)
        /// The same, without a word that would tell it from another such answer.
        case silent(status: Int)
    }

    var form = Form.rpc(status: 200)
    let code: JSONRPCErrorCode
    /// The reason's code, in `data.reason` and in the record.
    let reason: JSONText
    /// What happened, safe to show.
    ///
    /// Placeholders: `{server}` is the server's alias, `{item}` what the client asked of it, `{limit}` the bound that
    /// was reached.
    let message: String
    /// Rules of the policy that decided.
    var rules: [JSONText] = []
    /// What came of the conditions on arguments, for the record.
    var judged: [JudgedCondition] = []
    /// The limit that was hit, and how long to wait.
    var limiter: JSONText?
    var retryAfterMilliseconds: Int?
    /// What the user may type to go on.
    var command: String?
    /// A page that the user can open to go on.
    var url: String?
    /// The server that was to be asked, and since when it is down, in microseconds since 1970.
    var server: JSONText?
    var since: Int64?
    /// Whether its trouble can pass by itself.
    var passes = true
    /// What was asked of it.
    var item = CallItem.none
    /// The bound that was reached, as text.
    var limit: String?
    /// Further members of `data`.
    var more = JSONObject()

    /// The JSON-RPC error for the request whose id has this literal.
    ///
    /// - Parameters:
    ///   - id: the literal of the id; nil where it cannot be told.
    ///   - record: the audit id under which it was recorded.
    /// - Returns: the whole message.
    func body(id: [UInt8]?, record: RandomID?) -> [UInt8] {
        var data = more
        data["reason"] = .string(reason)
        if let record { data["record"] = .text(record.description) }
        if !rules.isEmpty || code == .denied { data["rules"] = .array(rules.map(JSONValue.string)) }
        if let retryAfterMilliseconds { data["retry_after_ms"] = .int(retryAfterMilliseconds) }
        if let command { data["command"] = .text(command) }
        // Most have no page that could be opened before the command has run.
        if code == .userMustAct { data["url"] = url.map { .text($0) } ?? .null }
        if let server { data["server"] = .string(server) }
        if let since { data["since"] = .text(Timestamp.text(since)) }
        return GatewayError.encode(code: code, message: words(record: record), data: data, id: id)
    }

    /// The message with all that belongs into it.
    func words(record: RandomID? = nil) -> String {
        let text = ([message] + [next(record)].compactMap { $0 }).joined(separator: " ")
        return text.replacing("{server}", with: server?.string ?? "the server").replacing("{item}", with: subject)
            .replacing("{limit}", with: limit ?? "too long")
    }

    /// The same, about a request to this server; nothing where nothing may tell one such answer from another.
    func about(_ server: JSONText?, _ item: CallItem = .none) -> Refusal {
        if case .silent = form { return self }
        var refusal = self
        refusal.server = self.server ?? server
        refusal.item = item
        return refusal
    }

    /// The same, about a request that has gone to this server.
    func about(_ server: ServedServer, _ item: CallItem?, _ bounds: ForwardingConfiguration) -> Refusal {
        var refusal = about(server.alias, item ?? .none)
        refusal.limit =
            limit ?? (code == .serverDown ? Self.seconds(server.timeout) : Self.bytes(bounds.longestReply))
        return refusal
    }

    private var subject: String {
        switch item {
        case .tool(let name) where isShown(name): "`\(name.string)`"
        case .prompt(let name) where isShown(name): "the prompt `\(name.string)`"
        case .resource: "this resource"
        case .tool, .prompt, .none: "this"
        }
    }

    /// Whether a name was recorded as it is, and not as a hash.
    private func isShown(_ name: JSONText) -> Bool { !name.string.hasPrefix("sha256:") }

    /// The next step, where the kind of refusal has one of its own.
    private func next(_ record: RandomID?) -> String? {
        switch code {
        case .denied:
            guard reason == "no_grant" || reason == "forbidden", server != nil else { return nil }
            guard case .tool(let name) = item, isShown(name) else {
                return "An administrator of your organisation can change that."
            }
            return "`doorward explain {server} \(name.string)` says why, and an administrator can change it."
        case .serverDown:
            guard passes, reason == "down" || reason == "unreachable" else { return nil }
            let time = since.map { "It has had trouble since \(Self.minute($0)). " } ?? ""
            // Not `doorward servers`: Claude Code strikes each word of the server's address out of such a message, and
            // `servers` is one of them.
            return "\(time)`doorward status` shows when it is back."
        case .badAnswer:
            return record.map { "`doorward audit show \($0)` shows what is on record." }
        default:
            return nil
        }
    }

    /// A time to the minute.
    private static func minute(_ microseconds: Int64) -> String {
        let text = Timestamp.text(microseconds)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }
}
