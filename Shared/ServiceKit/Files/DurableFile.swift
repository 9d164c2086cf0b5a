internal import Bytes
internal import Errors
internal import Glibc

/// Small files that are there as a whole or not at all, also after a crash or a power cut.
package enum DurableFile {
    /// Writes or replaces a file; on return its bytes and its name are on the disk.
    ///
    /// - Parameters:
    ///   - bytes: All of its content.
    ///   - path: Where; the folder exists. A link at this place is replaced, not followed.
    ///   - mode: Its permissions, whatever the umask.
    /// - Throws: `FileError.unwritable`; an older file is then as it was.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws {
        let folder = folder(of: path)
        var random = RandomPool()
        let part = "\(path).\(String(random.word(), radix: 16)).part"
        let file = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file >= 0 else { throw failure(path, errno) }
        do {
            defer { close(file) }
            guard fchmod(file, mode) == 0 else { throw failure(path, errno) }
            let error = bytes.withUnsafeBytes { Descriptor.write($0, to: file) }
            guard error == 0 else { throw failure(path, error) }
            guard fsync(file) == 0 else { throw failure(path, errno) }
            guard rename(part, path) == 0 else { throw failure(path, errno) }
        } catch {
            unlink(part)
            throw error
        }
        try synchronize(folder: folder)
    }

    /// Reads a file as a whole.
    ///
    /// - Parameters:
    ///   - path: A regular file, or a link to one.
    ///   - maxBytes: The largest size that is read.
    /// - Returns: Its bytes; nil if there is no such file.
    /// - Throws: `FileError.unreadable` or `.tooLarge`.
    package static func read(_ path: String, maxBytes: Int) throws -> [UInt8]? {
        // Without O_NONBLOCK a pipe at this place would hold the caller until a program writes.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw unreadable(path, errno)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(.unreadable, "\(path) is no regular file.", next: "Name a file.")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { return bytes }
            guard bytes.count + count <= maxBytes else {
                throw FileError(.tooLarge, "\(path) has more than \(maxBytes) bytes.", next: "Name a smaller file.")
            }
            bytes += chunk[..<count]
        }
    }

    /// Makes what was renamed, made or removed in a folder last.
    package static func synchronize(folder path: String) throws {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure(path, errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure(path, errno) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ path: String, _ number: Int32) -> FileError {
        FileError(
            .unwritable,
            "\(path) cannot be written: \(reason(number)).",
            next: "See that its folder exists, is yours and has room."
        )
    }

    private static func unreadable(_ path: String, _ number: Int32) -> FileError {
        FileError(
            .unreadable,
            "\(path) cannot be read: \(reason(number)).",
            next: "See that it is yours, or name another."
        )
    }

    private static func reason(_ number: Int32) -> String {
        String(cString: strerror(number))
    }
}
