/// Who shares a session with a server, or the child process that is the server.
package enum Isolation: String, Hashable, Sendable, CaseIterable {
    /// All that one person uses.
    case perUser = "per-user"
    /// Each client has its own.
    case perClient = "per-client"
    /// Each conversation has its own: a session of the handshake era, or a thread that the client's address names.
    case perSession = "per-session"
}
