internal import Glibc

/// Whose program listens where a server should be.
package enum ServerOwner: Equatable, Sendable {
    /// This user's or root's.
    case expected
    /// A program of the user with this id.
    case somebody(UInt32)
    /// The kernel does not say: to be treated like a stranger's.
    case unknown

    /// The owner with this id, where this user's programs are expected, or root's.
    package init(_ uid: UInt32, expecting user: UInt32) {
        self = uid == user || uid == 0 ? .expected : .somebody(uid)
    }

    /// What is wrong with it, as a sentence; nil where nothing is.
    package func complaint(port: Int) -> String? {
        switch self {
        case .expected: nil
        case .unknown: "The kernel does not say whose program has port \(port) of this machine."
        case .somebody(let uid):
            "Port \(port) of this machine is held by a program of user id \(uid), which is neither you (\(geteuid())) "
                + (Self.seesRoot ? "nor root." : "nor, as far as the agent's sandbox lets it see, root.")
        }
    }

    /// Whether root is told from others: a sandbox can show all users but its own as one.
    private static let seesRoot: Bool = {
        guard let file = fopen("/proc/self/uid_map", "re") else { return true }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, CInt(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.split(separator: " ").first == "0" { return true }
        }
        return false
    }()
}
