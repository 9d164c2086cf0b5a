internal import Glibc

/// How many files, and so connections, this process may have open.
package enum OpenFileLimit {
    /// What it is where the system does not say: what desktops start programs with.
    private static let usual = 1024

    /// The limit as it is now.
    package static var current: Int { limit().map { Int(clamping: $0.rlim_cur) } ?? usual }

    /// Raises the limit as far as the system lets it be raised; where it is refused, it stays as it is.
    ///
    /// - Parameter most: no more than so many.
    /// - Returns: The limit by then.
    @discardableResult
    package static func raise(atMost most: Int = .max) -> Int {
        guard var raised = limit() else { return usual }
        raised.rlim_cur = max(raised.rlim_cur, min(raised.rlim_max, rlim_t(most)))
        _ = setrlimit(resource, &raised)
        return current
    }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static func limit() -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
