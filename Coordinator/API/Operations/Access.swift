internal import Contract
package import Rights

/// Who may use an operation.
package enum Access: Sendable, Equatable {
    /// Anybody who reaches the coordinator.
    case anonymous
    /// An enrolled machine, for itself, whatever its person may do; never a token.
    case agent
    /// A person who is signed in with a browser, for that session.
    case browser
    /// A person with this right, by one of the person's machines or by a token whose scope opens it.
    case right(Right)
    /// The same, and anybody without a proof where the settings say so: the operation looks.
    case published(Right)

    /// The word by which the description of the API says it (`x-doorward-role`).
    package var word: String {
        switch self {
        case .anonymous: "anonymous"
        case .agent: "agent"
        case .browser: Role.member.rawValue
        case .right(let right), .published(let right): right.role.rawValue
        }
    }

    /// Refuses a caller who may not, before anything of the request's body is read; throws a `Refused`.
    func check(_ caller: Caller) throws {
        switch self {
        case .anonymous: break
        case .agent: _ = try caller.machine()
        case .browser: guard case .session = caller.proof else { throw Refused.browserNeeded }
        case .right(let right), .published(let right): try caller.require(right)
        }
    }
}
