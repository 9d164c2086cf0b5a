/// An error that a person can act on: what the edges (commands, logs) show of it is these three and nothing else.
package protocol ExplainedError: Error {
    /// A word for scripts: `keyring_locked`.
    var code: String { get }
    /// What happened and why; safe to show, so never with a secret, an argument or a body in it.
    var message: String { get }
    /// The next command to type, or what else to do about it; nil where nothing helps.
    var next: String? { get }
    /// Whether the user has to do something first: sign in, unlock, enrol. Scripts see it as exit status 3.
    var needsUser: Bool { get }
}

extension ExplainedError {
    package var needsUser: Bool { false }
}

/// The kinds of a part's errors; the raw value is the code.
package protocol ErrorKind: RawRepresentable<String>, Hashable, Sendable {
    /// Whether the user has to do something first.
    var needsUser: Bool { get }
}

extension ErrorKind {
    package var needsUser: Bool { false }
}
