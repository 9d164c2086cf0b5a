package import StrictJSON

/// How a server did when it was last called.
package struct ServerHealth: Sendable, Equatable {
    /// What its last calls say of it.
    package enum State: String, Sendable {
        /// It answers, or was never called.
        case up
        /// It can be reached, and does not answer as it should.
        case degraded
        /// It cannot be reached.
        case down
    }

    package let alias: JSONText
    package let state: State
    /// Since when, in microseconds since 1970; nil where nothing has changed since the agent began.
    package let since: Int64?
    /// Why it is down, as a message; nil while it is up.
    package let error: String?
    /// What went wrong lately, also after it is up again.
    package var errors = ErrorHistory()
}
