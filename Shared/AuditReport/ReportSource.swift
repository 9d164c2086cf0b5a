/// Where a verifier finds the files of a report.
///
/// Every path that it gives can be read, and nothing that is no plain file has one. Whatever cannot be read is a
/// `ReportFailure` with the path. Files may change in between; a verifier reads each once and trusts no length.
package protocol ReportSource {
    /// The paths of all files from the report's folder, with slashes, in any order.
    func paths() throws(ReportFailure) -> [String]

    /// The bytes of a file, which has at most so many.
    func read(_ path: String, atMost limit: Int) throws(ReportFailure) -> [UInt8]

    /// Lends a file to `body`, piece by piece.
    func scan(
        _ path: String,
        _ body: (UnsafeBufferPointer<UInt8>) throws(ReportFailure) -> Void
    ) throws(ReportFailure)
}

/// A report whose files are in memory, such as one from an archive.
package struct ReportInMemory: ReportSource, Sendable {
    /// The bytes of each file by its path.
    package var files: [String: [UInt8]]

    package init(_ files: [String: [UInt8]]) {
        self.files = files
    }

    package func paths() -> [String] {
        Array(files.keys)
    }

    package func read(_ path: String, atMost limit: Int) throws(ReportFailure) -> [UInt8] {
        guard let bytes = files[path] else { throw ReportFailure(path, "is missing") }
        guard bytes.count <= limit else { throw ReportFailure(path, "is too large") }
        return bytes
    }

    package func scan(
        _ path: String,
        _ body: (UnsafeBufferPointer<UInt8>) throws(ReportFailure) -> Void
    ) throws(ReportFailure) {
        guard let bytes = files[path] else { throw ReportFailure(path, "is missing") }
        try bytes.withUnsafeBufferPointer(body)
    }
}
