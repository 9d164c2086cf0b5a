internal import Glibc
internal import Synchronization

/// The database's file, to have the file system set blocks aside for it.
///
/// Opened once and closed after the database: a process that closes any descriptor of a file gives up all its locks on
/// it, SQLite's too (https://sqlite.org/howtocorrupt.html, section 2.2).
final class DatabaseFile: Sendable {
    private let path: String
    private let descriptor = Mutex<Int32?>(nil)

    init(_ path: String) {
        self.path = path
    }

    deinit { close() }

    /// Makes the file longer, with blocks of its own for all that is added.
    ///
    /// Ignorable where it cannot be: then SQLite says whether there is room.
    func grow(from old: Int, to size: Int) {
        descriptor.withLock { descriptor in
            let file = descriptor ?? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else { return }
            descriptor = file
            _ = posix_fallocate(file, off_t(old), off_t(size - old))
        }
    }

    /// The database is closed.
    func close() {
        descriptor.withLock { descriptor in
            if let file = descriptor { Glibc.close(file) }
            descriptor = nil
        }
    }
}
