internal import Bytes
internal import Contract
internal import Errors
internal import Glibc
internal import ServiceKit

/// The records of a report while it is made and sent: a file without a name, which is gone when no descriptor is open
/// any more.
final class RecordsFile: Sendable {
    private let descriptor: Int32

    /// Makes the file in the folder.
    ///
    /// A name that is taken away at once leaves nothing behind, whenever the process ends (`O_TMPFILE` would do the same,
    /// but not on every file system).
    init(folder: String) throws {
        let path = "\(folder)/report-\(RandomID())"
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("made") }
        unlink(path)
    }

    deinit {
        close(descriptor)
    }

    /// Appends bytes; not for two at once.
    func append(_ bytes: [UInt8]) throws {
        let error = bytes.withUnsafeBytes { Descriptor.write($0, to: descriptor) }
        guard error == 0 else { throw Self.failure("written", error) }
    }

    /// The bytes from an offset on, fewer than asked for at the end only.
    func read(at offset: Int, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                return pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Self.failure("read") }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    private static func failure(_ what: String, _ error: Int32 = errno) -> any Error {
        if error == ENOSPC || error == EDQUOT { return Refused.noRoom }
        return AuditSinkError(
            .report,
            "The records of the report could not be \(what): \(String(cString: strerror(error))).",
            next: "Look at the disk of the data folder."
        )
    }
}
