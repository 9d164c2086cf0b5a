import Glibc

/// What the spool asks of the disk where it may say no: tests put a failing one in its place.
struct SpoolDisk: Sendable {
    /// As write(2).
    var write: @Sendable (Int32, UnsafeRawBufferPointer) -> Int
    /// As fdatasync(2).
    var sync: @Sendable (Int32) -> Int32
    /// As posix_fallocate(3) from the start of the file: an error number.
    var allocate: @Sendable (Int32, Int) -> Int32
}

extension SpoolDisk {
    /// The machine's own.
    static let system = SpoolDisk(
        write: { Glibc.write($0, $1.baseAddress, $1.count) },
        sync: { fdatasync($0) },
        allocate: { posix_fallocate($0, 0, off_t($1)) }
    )
}
