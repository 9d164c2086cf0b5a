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
    /// A command to type: what mends it, or shows more of it.
    let next: String?

    init(_ name: String, _ state: State, _ message: String, next: String? = nil) {
        self.name = name
        self.state = state
        self.message = message
        self.next = next
    }

    /// What an error says of it.
    ///
    /// - Parameters:
    ///   - name: what was looked at.
    ///   - error: what came of it.
    ///   - command: what to type where the error has advice and no command: the advice is part of the message then.
    init(_ name: String, _ error: any Error, otherwise command: String = "doorward status") {
        let failure = CommandFailure(explaining: error)
        let state: State = failure.status == .needsUser ? .needsUser : .failed
        // Commands begin with a small letter, and sentences with a capital one.
        if let next = failure.next, next.first?.isLowercase ?? false {
            self.init(name, state, Self.sentence(failure.message), next: next)
        } else {
            let message = [failure.message, failure.next ?? ""].filter { !$0.isEmpty }.map(Self.sentence)
            self.init(name, state, message.joined(separator: " "), next: command)
        }
    }

    /// The same with more to say.
    func adding(_ words: String) -> Finding { Finding(name, state, message + words, next: next) }

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
    }

    var json: JSONValue {
        [
            "name": .text(name), "state": .text(state.rawValue), "message": .text(message),
            "next": next.map { .text($0) } ?? .null,
        ]
    }
}
