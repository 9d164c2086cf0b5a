package import Errors

/// Why a file could not be read or written.
package typealias FileError = KindError<FileFault>

/// What can go wrong there; the raw values are the codes that are shown.
package enum FileFault: String, ErrorKind {
    /// The system refuses to open, read or list it.
    case unreadable = "file_unreadable"
    /// The system refuses to write it, or the disk is full.
    case unwritable = "file_unwritable"
    case tooLarge = "file_too_large"
    /// It is read, and is not what it should be.
    case malformed = "file_malformed"
}
