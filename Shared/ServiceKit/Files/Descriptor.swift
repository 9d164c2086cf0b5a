internal import Glibc

/// System calls on an open file, carried on where a signal or a full pipe interrupts them.
package enum Descriptor {
    /// Writes all bytes, and waits as long as it takes where the file is a pipe or a terminal that takes nothing now.
    ///
    /// - Parameters:
    ///   - bytes: what to write.
    ///   - file: an open file.
    /// - Returns: 0, or the number of the error; then a part of the bytes may have been written.
    package static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> Int32 {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.write(file, start, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if count == 0 {
                // No file answers so to a write of something; asking again might not end.
                return EIO
            } else if errno == EAGAIN {
                var wait = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
                poll(&wait, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}
