/// The session that a request belongs to.
enum SessionLookup {
    /// It is within none.
    case none
    case found(Session)
    /// It names one that this client does not have here.
    case unknown
}
