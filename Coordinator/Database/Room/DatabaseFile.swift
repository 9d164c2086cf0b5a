internal import Glibc
internal import Synchronization

/// The database's file, to have the file system set blocks aside for it.
///
/// Opened once and closed after the database: whoever closes any descriptor of a file gives up all locks that the process
/// has on it, SQLite's too (https://sqlite.org/howtocorrupt.html, section 2.2).
final class DatabaseFile: Sendable {
    private let path: String
    private let descriptor = Mutex<Int32?>(nil)

    init(_ path: String) {
        self.path = path
    }

    deinit { close() }

    /// Has the file so many bytes long, all of them with blocks of their own.
    ///
    /// Ignorable where it cannot be: then SQLite says whether there is room.
    func allocate(_ size: Int) {
        descriptor.withLock { descriptor in
            let file = descriptor ?? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else { return }
            descriptor = file
            _ = posix_fallocate(file, 0, off_t(size))
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
