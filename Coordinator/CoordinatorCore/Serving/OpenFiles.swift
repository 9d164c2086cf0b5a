internal import Glibc

/// How many files, and so connections, the process may have open.
enum OpenFiles {
    /// For the database, its readers, logs and libraries.
    private static let reserve = 256
    /// Each connection holds some memory, too.
    private static let most = 20_000

    /// Raises the limit as far as the system lets it be raised.
    ///
    /// - Returns: How many connections there may be.
    static func raise() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 512 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, rlim_t(most + reserve))
            if raised.rlim_cur > limit.rlim_cur, setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return min(max(Int(clamping: limit.rlim_cur) - reserve, 64), most)
    }
}
