internal import Errors
import Glibc
internal import ServiceKit

/// One file of records, one a line, named by the number of its first.
struct SegmentFile: Sendable, Equatable {
    /// The number of its first record.
    let first: UInt64
    /// Behind its last record; of the last file, what is written so far.
    var end: UInt64
    /// The size of the file, which ends with a line.
    var bytes: Int
    /// How much of it are refusals.
    var denied = 0

    static let suffix = ".records"
    /// Beside each file of records: the leaf hashes of those that are durable, 32 bytes each.
    static let hashSuffix = ".hashes"

    var name: String { Self.name(first) + Self.suffix }
    var hashName: String { Self.name(first) + Self.hashSuffix }

    /// The number in 16 digits, which every number below 2^53 has at most, so that names sort as numbers do.
    private static func name(_ first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
    }

    /// The number in the name of a file of records; nil for any other file.
    static func first(name: String) -> UInt64? {
        guard name.hasSuffix(suffix), let first = UInt64(name.dropLast(suffix.count)),
            Self.name(first) + suffix == name
        else { return nil }
        return first
    }
}

/// The folder of one spool: names in, system calls with messages for their errors.
struct SpoolFolder: Sendable {
    let path: String

    /// Makes the folder, if need be with those above it, for this user alone.
    func make() throws(SpoolError) {
        let error = PrivateFolder.make(path)
        guard error == 0 else { throw failure("cannot be made", path, error) }
    }

    /// Keeps a second process out of the folder, for as long as this one lives.
    func lock() throws(SpoolError) -> FileLock {
        do {
            return try FileLock(path("lock"))
        } catch {
            switch error {
            case .failed(let number): throw failure("cannot be opened", path("lock"), number)
            case .taken:
                throw SpoolError(.inUse, "\(path) is in use by another doorward", next: "doorward status")
            }
        }
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// The names in the folder.
    func names() throws(SpoolError) -> [String] {
        guard let folder = opendir(path) else { throw failure("cannot be read", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            )
        }
        return names
    }

    func open(_ name: String, _ flags: Int32) throws(SpoolError) -> Int32 {
        let file = Glibc.open(path(name), flags | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("cannot be opened", path(name)) }
        return file
    }

    /// The size of a file; nil if it is not there.
    func size(_ name: String) throws(SpoolError) -> Int? {
        var status = stat()
        guard stat(path(name), &status) == 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot be read", path(name))
        }
        return Int(status.st_size)
    }

    /// Seconds since 1970 at which the file was last written; 0 if it is not there.
    func changed(_ name: String) -> Int {
        var status = stat()
        return stat(path(name), &status) == 0 ? status.st_mtim.tv_sec : 0
    }

    /// Takes a file away, which may be gone already.
    func remove(_ name: String) throws(SpoolError) {
        guard unlink(path(name)) == 0 || errno == ENOENT else { throw failure("cannot be removed", path(name)) }
    }

    func rename(_ name: String, to other: String) throws(SpoolError) {
        guard Glibc.rename(path(name), path(other)) == 0 else { throw failure("cannot be renamed", path(name)) }
    }

    /// Makes names in the folder durable.
    func sync() throws(SpoolError) {
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("cannot be opened", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("cannot be written", path) }
    }

    /// The whole of a file, or a part of it.
    func read(_ name: String, from offset: Int = 0, to end: Int? = nil) throws(SpoolError) -> [UInt8] {
        let file = try open(name, O_RDONLY)
        defer { close(file) }
        let size = try size(name) ?? 0
        return try read(file, from: offset, to: end ?? size, name: name)
    }

    /// So many bytes of an open file: fewer only if it ends earlier.
    func read(_ file: Int32, from offset: Int, to end: Int, name: String) throws(SpoolError) -> [UInt8] {
        guard end > offset else { return [] }
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: end - offset) { target, count in
            (count, error) = Self.read(file, from: offset, into: UnsafeMutableRawBufferPointer(target))
        }
        if error != 0 { throw failure("cannot be read", path(name), error) }
        return bytes
    }

    /// The same into memory that is kept from one reading to the next, since fresh memory costs more than the reading;
    /// returns how many bytes there are.
    func read(
        _ file: Int32,
        from offset: Int,
        to end: Int,
        name: String,
        into room: inout [UInt8]
    ) throws(SpoolError) -> Int {
        let length = max(0, end - offset)
        if room.count < length { room = Array(repeating: 0, count: length) }
        let (count, error) = room.withUnsafeMutableBytes {
            Self.read(file, from: offset, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<length]))
        }
        if error != 0 { throw failure("cannot be read", path(name), error) }
        return count
    }

    /// Reads until the memory is full or the file ends; the error number is 0 without an error.
    private static func read(
        _ file: Int32,
        from offset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) -> (count: Int, error: Int32) {
        var count = 0
        while count < target.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[count...])
            let done = pread(file, rest.baseAddress, rest.count, off_t(offset + count))
            if done > 0 {
                count += done
            } else if done == 0 {
                break
            } else if errno != EINTR {
                return (count, errno)
            }
        }
        return (count, 0)
    }

    /// Writes all bytes to an open file; returns why it could not.
    func write(_ bytes: [UInt8], to file: Int32, name: String) -> SpoolError? {
        let error = bytes.withUnsafeBytes { Descriptor.write($0, to: file) }
        return error == 0 ? nil : failure("cannot be written", path(name), error)
    }

    func failure(_ what: String, _ path: String, _ error: Int32 = errno) -> SpoolError {
        SpoolError(.file, "\(path) \(what): \(String(cString: strerror(error)))")
    }
}
