internal import CSpawn
internal import Glibc
internal import Synchronization
internal import Upstreams

/// The thread on which children are started and their ends are waited for, so that neither keeps an event loop.
///
/// It never ends: the kernel ends a child together with the thread that has started it.
final class ChildThread: Sendable {
    private struct State {
        var errands: [@Sendable () -> Void] = []
        /// What is to be told of an end, by the child's pidfd.
        var watched: [CInt: @Sendable (CInt) -> Void] = [:]
    }

    private let state = Mutex(State())
    /// A pipe that can be read from while there are errands.
    private let wake: (reading: CInt, writing: CInt)

    /// Begins it.
    ///
    /// - Throws: where the system has no file or thread to give.
    init() throws(ChildFailure) {
        var ends: [CInt] = [-1, -1]
        let made = doorward_pipe(&ends)
        wake = (ends[0], ends[1])
        guard made == 0, OwnThread.run({ self.run() }) else {
            throw ChildFailure(.system, "This system has no thread to start programs with: close some programs.")
        }
    }

    /// Has something done there; it may take some milliseconds.
    func perform(_ errand: @escaping @Sendable () -> Void) {
        state.withLock { $0.errands.append(errand) }
        var byte: UInt8 = 0
        _ = write(wake.writing, &byte, 1)
    }

    /// The same, and waits for what comes of it.
    func result<Value: Sendable>(of errand: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in perform { continuation.resume(returning: errand()) } }
    }

    /// Waits for the end of a child; to be called on this thread.
    ///
    /// - Parameters:
    ///   - pidfd: stands for the child; open until `ended` is told.
    ///   - ended: told on this thread, with the status as `waitpid` has it.
    func watch(_ pidfd: CInt, ended: @escaping @Sendable (CInt) -> Void) {
        state.withLock { $0.watched[pidfd] = ended }
    }

    private func run() {
        while true {
            let watched = state.withLock { Array($0.watched.keys) }
            var files = ([wake.reading] + watched).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&files, nfds_t(files.count), -1) > 0 else { continue }
            for file in files.dropFirst() where file.revents != 0 {
                let status = doorward_wait(file.fd)
                state.withLock { $0.watched.removeValue(forKey: file.fd) }?(status)
            }
            guard files[0].revents != 0 else { continue }
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) {
                _ = read(wake.reading, $0.baseAddress, $0.count)
            }
            let errands = state.withLock { state in
                defer { state.errands = [] }
                return state.errands
            }
            for errand in errands { errand() }
        }
    }
}
