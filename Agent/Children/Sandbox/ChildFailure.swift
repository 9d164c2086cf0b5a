internal import Upstreams

/// Why a program is not started; its message is safe to show, and says what to do about it.
struct ChildFailure: Error, Equatable {
    enum Kind {
        /// What would be started is not what was approved.
        case notApproved
        /// It cannot be isolated on this machine.
        case noSandbox
        /// The program, or what it may read, is not on this machine.
        case missing
        /// It would see what no program may see.
        case forbidden
        /// The user has to give a secret first, or open the keyring.
        case secrets
        /// As many programs run as there may be.
        case full
        /// The system does not start it.
        case system
    }

    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The same for those who wanted to call it.
    var upstream: UpstreamError { UpstreamError(kind == .full ? .noRoom : .connect, message) }
}
