import Glibc

/// The file of a request that takes the body of a good answer in place of memory.
enum BodyFile {
    /// Of an answer that is not the one for the file.
    static let maxRefusalBytes = 8 << 20

    /// Writes all of the bytes; returns why not, or nil.
    static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> String? {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.write(file, start, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(cString: strerror(errno)) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return nil
    }
}
