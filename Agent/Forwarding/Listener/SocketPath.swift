internal import Errors
internal import Glibc
internal import ServiceKit

/// The place of the unix socket: a folder that is ours alone, and a name that fits into an address.
struct SocketPath {
    let path: String

    /// What `sockaddr_un` holds, with the NUL behind it.
    private static let longest = 107

    /// Checks the path, makes the folder where it is missing, and removes a socket on which no program answers.
    ///
    /// - Throws: `ForwardingError`.
    init(preparing path: String) throws {
        guard path.utf8.count <= Self.longest, !path.utf8.contains(0) else {
            throw ForwardingError(
                .pathTooLong,
                "\(path) has \(path.utf8.count) bytes: the path of a socket may have \(Self.longest).",
                next: "Set DOORWARD_HOME to a folder with a shorter path."
            )
        }
        self.path = path
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try Self.prepare(folder: folder)
        try removeStale()
    }

    /// The folder must be ours and no other user's: what is in it is then ours too.
    private static func prepare(folder: String) throws {
        let error = PrivateFolder.make(folder)
        guard error == 0 else { throw failure("\(folder) cannot be made", error) }
        var status = stat()
        guard lstat(folder, &status) == 0 else { throw failure("\(folder) cannot be looked at") }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid() else {
            throw ForwardingError(.badFolder, "\(folder) is no folder of this user.", next: "Move it away.")
        }
        guard status.st_mode & 0o077 == 0 || chmod(folder, 0o700) == 0 else {
            throw failure("\(folder) is open to others, and cannot be closed")
        }
    }

    private func removeStale() throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == getuid() else {
            throw ForwardingError(.badFolder, "\(path) is no socket of this user.", next: "Move it away.")
        }
        guard !isAnswered() else {
            throw ForwardingError(.inUse, "Another agent listens on \(path).", next: "doorward status")
        }
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.failure("\(path) cannot be removed") }
    }

    /// Whether a program accepts on it: an agent that was killed leaves its socket behind.
    private func isAnswered() -> Bool {
        let file = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard file >= 0 else { return true }
        defer { close(file) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // A full queue (EAGAIN) is a listening program's queue.
        return status == 0 || errno != ECONNREFUSED && errno != ENOENT
    }

    private static func failure(_ what: String, _ error: Int32 = errno) -> ForwardingError {
        ForwardingError(.badFolder, "\(what): \(String(cString: strerror(error))).")
    }
}
