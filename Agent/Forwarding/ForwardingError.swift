package import Errors

/// Why the agent cannot listen.
package typealias ForwardingError = KindError<ForwardingFault>

/// What can go wrong there; the raw values are the codes that are shown.
package enum ForwardingFault: String, ErrorKind {
    /// The address is not one of loopback, or none at all.
    case notLoopback = "not_loopback"
    /// Another program listens there.
    case inUse = "address_in_use"
    /// The path is longer than a socket's may be.
    case pathTooLong = "socket_path_too_long"
    /// The folder or the file of the socket is not ours alone.
    case badFolder = "socket_folder"
    /// The system refuses for another reason.
    case system = "cannot_listen"
}
