internal import Glibc
internal import Synchronization

/// A file that one process at a time has for itself; the kernel lets go of it when the process ends, however it ends.
///
/// It is advice among programs that ask for it. The file stays where it is: removing it would let two processes in.
package final class FileLock: Sendable {
    /// Why there is no lock.
    package enum Refusal: Error, Equatable {
        /// Another process, or another part of this one, has it.
        case taken
        /// The file could not be opened or locked: the number of the error.
        case failed(Int32)
    }

    private let file: Mutex<Int32>

    /// Takes the lock of the file at a path, which is made where it is missing, for this user alone.
    ///
    /// - Parameters:
    ///   - path: a link at this place is not followed.
    ///   - waits: whether to wait for whoever has it; only for what is held for moments.
    /// - Throws: `Refusal`.
    package convenience init(_ path: String, waits: Bool = false) throws(Refusal) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .failed(errno) }
        try self.init(file, waits: waits)
    }

    private init(_ file: Int32, waits: Bool) throws(Refusal) {
        while flock(file, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            let error = errno
            if error == EINTR { continue }
            close(file)
            throw error == EWOULDBLOCK ? .taken : .failed(error)
        }
        self.file = Mutex(file)
    }

    deinit { release() }

    /// Lets go of it; nothing happens the second time.
    package func release() {
        file.withLock { file in
            if file >= 0 { close(file) }
            file = -1
        }
    }
}
