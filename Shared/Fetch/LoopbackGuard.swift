import Addresses
import Glibc

/// Whose programs on this machine are spoken to: this user's and root's.
enum LoopbackGuard {
    /// Why the program that listens here is not connected to; nil if no program listens, since connecting says so
    /// itself.
    static func complaint(ofListenerAt end: SocketOwner.End) -> String? {
        guard let source = SocketOwner() else { return ServerOwner.unknown.complaint(port: Int(end.port)) }
        return source.uid(ofListenerAt: end)
            .flatMap { ServerOwner($0, expecting: geteuid()).complaint(port: Int(end.port)) }
    }

    /// Why nothing is said on a connection that has come about.
    static func complaint(ofServer server: SocketOwner.End, of client: SocketOwner.End) -> String? {
        let owner = SocketOwner()?.owner(ofServer: server, of: client, expecting: geteuid()) ?? .unknown
        return owner.complaint(port: Int(server.port))
    }
}
