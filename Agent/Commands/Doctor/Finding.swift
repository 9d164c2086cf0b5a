internal import ServiceKit
internal import StrictJSON

/// What one check of `doorward doctor` has found.
struct Finding: Sendable {
    /// What it comes to.
    enum State: String, Sendable {
        case ok
        /// It works, and something about it will not do for ever.
        case warning
        case failed
        /// Its user has to sign in, unlock or enrol.
        case needsUser = "needs_user"
        /// It could not be looked at for another finding's sake.
        case skipped
    }

    /// What was looked at: `agent`, `keyring`, `server github`.
    let name: String
    let state: State
    let message: String
    /// What mends it.
    let next: String?

    init(_ name: String, _ state: State, _ message: String, next: String? = nil) {
        self.name = name
        self.state = state
        self.message = message
        self.next = next
    }

    /// What an error says of it.
    init(_ name: String, _ error: any Error) {
        let failure = CommandFailure(explaining: error)
        self.init(name, failure.status == .needsUser ? .needsUser : .failed, failure.message, next: failure.next)
    }

    var json: JSONValue {
        [
            "name": .text(name), "state": .text(state.rawValue), "message": .text(message),
            "next": next.map { .text($0) } ?? .null,
        ]
    }
}
