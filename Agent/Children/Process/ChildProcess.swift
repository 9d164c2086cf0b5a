internal import CSpawn
internal import Glibc
internal import ServiceKit
internal import Synchronization

/// A program that runs in its sandbox: the guard, below it bubblewrap, and inside of it the command.
final class ChildProcess: Sendable {
    /// Its standard input, output and error, as files of this process; each belongs to who takes it.
    struct Pipes: Sendable {
        let input: CInt
        let output: CInt
        let errors: CInt
    }

    /// The id of the guard, which lives as long as the program does.
    let id: pid_t
    private let thread: ChildThread
    /// nil once it has ended.
    private let file: Mutex<CInt?>
    private let end = Mutex<CInt?>(nil)
    private let ends = Signal()

    private init(id: pid_t, file: CInt, thread: ChildThread) {
        self.id = id
        self.thread = thread
        self.file = Mutex(file)
    }

    /// Whether it has ended, and how: the status as `waitpid` has it.
    var status: CInt? { end.withLock { $0 } }

    /// Waits for its end.
    func wait(atMost time: Duration) async {
        let deadline = ContinuousClock.now + time
        while status == nil, ContinuousClock.now < deadline {
            let version = ends.version
            guard status == nil else { return }
            await ends.wait(after: version, atMost: deadline - .now)
        }
    }

    /// Ends it and everything in its sandbox, at once.
    func kill() { send(SIGTERM) }

    private func send(_ signal: CInt) {
        file.withLock { file in
            if let file { _ = doorward_signal(file, signal) }
        }
    }

    /// Asks the command itself to end: a signal to bubblewrap would end it without asking.
    func terminate() {
        thread.perform { [self] in
            guard status == nil else { return }
            for bubblewrap in Self.children(of: id) {
                for first in Self.children(of: bubblewrap) {
                    for command in Self.children(of: first) { Self.ask(command, childOf: first) }
                }
            }
        }
    }

    /// Sends SIGTERM to a process, if it is still the child of that other one: numbers are used again.
    private static func ask(_ process: pid_t, childOf parent: pid_t) {
        let file = doorward_open(process)
        guard file >= 0 else { return }
        defer { close(file) }
        if children(of: parent).contains(process) { _ = doorward_signal(file, SIGTERM) }
    }

    /// The processes that one has started and that run.
    private static func children(of process: pid_t) -> [pid_t] {
        let file = open("/proc/\(process)/task/\(process)/children", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { memory in
            let count = max(0, read(file, memory.baseAddress, memory.count))
            return String(decoding: memory.prefix(count), as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
        }
    }

    // MARK: Starting

    /// Starts a program; to be called on the thread of children.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - arguments: what it is called with, its own name first.
    ///   - files: contents of the files that it finds open from number 3 on.
    ///   - thread: this thread.
    ///   - ended: told there when it has ended.
    /// - Returns: the process, and the pipes to it.
    /// - Throws: where the system does not start it.
    static func start(
        _ program: String,
        _ arguments: [String],
        files: [[UInt8]],
        on thread: ChildThread,
        ended: @escaping @Sendable () -> Void
    ) throws(ChildFailure) -> (ChildProcess, Pipes) {
        var opened: [CInt] = []
        // What the child has, it has of its own by the time that this returns.
        var theirs: [CInt] = []
        func fail(_ error: CInt) -> ChildFailure {
            for file in opened + theirs { close(file) }
            return ChildFailure(.system, "\(program) could not be started: \(String(cString: strerror(error))).")
        }
        for index in 0..<3 {
            var ends: [CInt] = [-1, -1]
            let made = doorward_pipe(&ends)
            guard made == 0 else { throw fail(-made) }
            theirs.append(index == 0 ? ends[0] : ends[1])
            opened.append(index == 0 ? ends[1] : ends[0])
        }
        for content in files {
            let file = content.withUnsafeBytes { doorward_memory_file("doorward", $0.baseAddress, $0.count) }
            guard file >= 0 else { throw fail(-file) }
            theirs.append(file)
        }
        var pidfd: CInt = -1
        let guarded = ChildGuard.command(program, arguments)
        let words: [UnsafeMutablePointer<CChar>?] = guarded.arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let id = doorward_spawn(guarded.program, words, theirs, CInt(theirs.count), &pidfd)
        guard id > 0 else { throw fail(-id) }
        for file in theirs { close(file) }
        let process = ChildProcess(id: id, file: pidfd, thread: thread)
        thread.watch(pidfd) { status in
            process.finish(status)
            ended()
        }
        return (process, Pipes(input: opened[0], output: opened[1], errors: opened[2]))
    }

    private func finish(_ status: CInt) {
        end.withLock { $0 = status }
        file.withLock { file in
            if let file { close(file) }
            file = nil
        }
        ends.notify()
    }
}
