internal import Errors
internal import StrictJSON

/// How a command ends when it does not do what it was asked: a message for people, and a status for scripts.
struct CommandFailure: ExplainedError {
    /// The exit status.
    enum Status: Int32 {
        case failed = 1
        case badUsage = 2
        /// The user has to sign in, unlock or approve.
        case needsUser = 3
    }

    let status: Status
    let code: String
    let message: String
    let next: String?
    /// Printed with `--json` in place of the error, where a command has a form of its own for it.
    var json: JSONValue?

    init(_ code: String, _ message: String, next: String? = nil, status: Status = .failed, json: JSONValue? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.next = next
        self.json = json
    }

    /// What `--json` prints.
    var document: JSONValue {
        if let json { return json }
        let next: JSONValue = next.map { .text($0) } ?? .null
        return ["error": ["code": .text(code), "message": .text(message), "next": next]]
    }
}
