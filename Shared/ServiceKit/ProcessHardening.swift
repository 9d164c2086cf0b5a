internal import Glibc

/// Makes a process that holds secrets harder to read for its neighbours.
package enum ProcessHardening {
    /// No core files, no memory for debuggers of the same user, no end by a closed pipe, no standard stream that is
    /// another file.
    ///
    /// Call it first of all. Each step is best effort: a kernel that refuses one leaves the others in force.
    package static func apply() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        forbidDumping()
        signal(SIGPIPE, SIG_IGN)
        Console.holdStreams()
    }

    /// `PR_SET_DUMPABLE` of linux/prctl.h.
    private static let setDumpable: CInt = 4

    private typealias ProcessControl =
        @convention(c) (CInt, CUnsignedLong, CUnsignedLong, CUnsignedLong, CUnsignedLong)
        -> CInt

    /// `prctl(PR_SET_DUMPABLE, 0)`: /proc/PID/mem and ptrace are root's alone, and nothing is dumped.
    ///
    /// The function takes a variable number of arguments, which Swift cannot call by name; for integers Linux's calling
    /// conventions make no difference between that and a fixed number.
    private static func forbidDumping() {
        guard let symbol = dlsym(nil, "prctl") else { return }
        let control = unsafeBitCast(symbol, to: ProcessControl.self)
        _ = control(setDumpable, 0, 0, 0, 0)
    }
}
