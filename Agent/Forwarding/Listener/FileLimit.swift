internal import Glibc

/// How the files that this process may have open are shared out, so that neither clients nor servers can take those that
/// the spool, the keyring, the membership and the coordinator need.
enum FileLimit {
    /// What each may have.
    struct Shares: Equatable {
        /// Connections of clients.
        let clients: Int
        /// Connections to servers, those that are being made and those that rest included.
        let servers: Int
        /// Look-ups of names at a time, which come out of what is kept free: each takes a file or two.
        let lookUps: Int

        /// The shares of so many files.
        init(files: Int) {
            let free = min(512, max(64, files / 8))
            clients = max(8, (files - free) / 2)
            servers = max(8, (files - free) / 2)
            lookUps = min(64, max(4, free / 4))
        }
    }

    /// By the limit of this process as it is now.
    static var shares: Shares {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Shares(files: 1024) }
        return Shares(files: Int(clamping: limit.rlim_cur))
    }
}
