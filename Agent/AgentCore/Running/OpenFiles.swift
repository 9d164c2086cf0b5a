internal import Glibc

/// How many files, and so connections, this process may have open.
enum OpenFiles {
    /// Raises the limit as far as the system lets it be raised: desktops start programs with room for a thousand.
    static func raise() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // Where it is refused, fewer clients get in.
        _ = setrlimit(resource, &limit)
    }
}
