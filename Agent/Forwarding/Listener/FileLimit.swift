internal import Glibc

/// How many connections of clients the limit of open files leaves room for.
enum FileLimit {
    /// Files that are open for other reasons: the spool, the coordinator, logs, a keyring.
    private static let others = 64

    /// At most `wanted`: each call needs a connection to its client and one to its server.
    static func connections(atMost wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        return connections(atMost: wanted, files: Int(clamping: limit.rlim_cur))
    }

    static func connections(atMost wanted: Int, files: Int) -> Int {
        max(8, min(wanted, (files - others) / 2))
    }
}
