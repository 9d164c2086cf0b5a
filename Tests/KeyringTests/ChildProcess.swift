import Foundation

/// A program that a test started; it ends with this object at the latest.
///
/// `Process` of Foundation needs a run loop to notice an end, which a test's thread has not.
final class ChildProcess {
    private(set) var pid: pid_t = 0
    private var status: Int32?

    /// Starts a program with exactly this environment; `input` and `output` are files.
    init(
        _ arguments: [String],
        _ environment: [String: String],
        input: String = "/dev/null",
        output: String = "/dev/null"
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        // A thread of the test runner blocks most signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        guard posix_spawnp(&pid, arguments[0], &actions, &attributes, &argv, &envp) == 0 else {
            throw POSIXError(.ENOENT)
        }
    }

    deinit { stop(SIGKILL) }

    /// Waits for the end; the exit status.
    @discardableResult
    func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
        status = raw
        return raw
    }

    func stop(_ signal: Int32 = SIGTERM) {
        guard status == nil else { return }
        kill(pid, SIGCONT)
        kill(pid, signal)
        wait()
    }
}
