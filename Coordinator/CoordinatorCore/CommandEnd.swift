internal import AuditSink
internal import Contract
internal import Database
internal import Errors
package import StrictJSON

/// How a command of the coordinator's ends that does not do what it was asked.
package struct CommandEnd: Sendable {
    /// 1 failed, 2 bad usage.
    package let status: Int32
    package let code: String
    /// What happened and why.
    package let message: String
    /// The next command to type.
    package let next: String

    /// Bad usage, with the message of the code that noticed it.
    package init(usage message: String, next: String) {
        status = 2
        code = CoordinatorFault.usage.rawValue
        self.message = message
        self.next = next
    }

    /// The end that an error means.
    package init(_ error: any Error) {
        switch error {
        case let error as CoordinatorError:
            self.init(error.kind == .usage ? 2 : 1, error.code, error.message, error.next)
        case let error as any ExplainedError: self.init(1, error.code, error.message, error.next)
        default: self.init(1, "failed", "That did not work: \(type(of: error)).", nil)
        }
    }

    private init(_ status: Int32, _ code: String, _ message: String, _ next: String?) {
        self.status = status
        self.code = code
        self.message = message
        self.next = next ?? "doorward-coordinator --help"
    }

    /// What `--json` prints.
    package var json: JSONValue {
        ["error": ["code": .text(code), "message": .text(message), "next": .text(next)]]
    }
}
