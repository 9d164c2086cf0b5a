internal import Errors
package import StrictJSON

/// Why the agent did not do what a command asked, as it crosses the socket.
package struct ControlFailure: ExplainedError, Equatable, Sendable {
    /// A word for programs, such as `needs_sign_in`.
    package let code: String
    /// One sentence, safe to show.
    package let message: String
    /// The next command to type.
    package let next: String?
    /// Whether the user has to sign in, unlock or approve: exit status 3 of a command.
    package let needsUser: Bool

    package init(_ code: String, _ message: String, next: String? = nil, needsUser: Bool = false) {
        self.code = code
        self.message = message
        self.next = next
        self.needsUser = needsUser
    }

    /// The document: `{"error":{"code","message","next"},"needs_user"}`.
    package var json: JSONValue {
        var error: JSONObject = ["code": .text(code), "message": .text(message)]
        error["next"] = next.map { .text($0) }
        return ["error": .object(error), "needs_user": .bool(needsUser)]
    }

    /// Reads what `json` wrote; nil for anything else.
    package init?(_ json: JSONValue) {
        guard let error = json["error"], let code = error["code"]?.text, let message = error["message"]?.text else {
            return nil
        }
        self.init(code, message, next: error["next"]?.text, needsUser: json["needs_user"]?.bool ?? false)
    }
}
