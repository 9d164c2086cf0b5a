import Addresses
import Glibc

/// Whose programs on this machine are spoken to: this user's and root's.
enum LoopbackGuard {
    /// Why one is not.
    struct Refusal {
        let words: String

        fileprivate init?(_ owner: ServerOwner?, port: UInt16) {
            switch owner {
            case .expected: return nil
            case .somebody(let user):
                words = "port \(port) of this machine is held by a program of user id \(user)"
            case .unknown, nil:
                words = "the kernel does not say whose program has port \(port) of this machine"
            }
        }
    }

    /// Judges by who listens.
    ///
    /// Where nobody does, connecting says so itself.
    static func refusal(ofListenerAt end: SocketOwner.End) -> Refusal? {
        guard let source = SocketOwner() else { return Refusal(nil, port: end.port) }
        guard let user = source.uid(ofListenerAt: end), user != 0, user != geteuid() else { return nil }
        return Refusal(.somebody(user), port: end.port)
    }

    /// Judges a connection that has come about.
    static func refusal(ofServer server: SocketOwner.End, of client: SocketOwner.End) -> Refusal? {
        Refusal(SocketOwner()?.owner(ofServer: server, of: client, expecting: geteuid()), port: server.port)
    }
}
