internal import Errors
internal import Glibc

/// A report in a folder of the disk.
///
/// Only plain files are read, links are followed nowhere, and what there is of a folder is bounded.
package struct ReportFolder: ReportSource, Sendable {
    private let root: String

    /// A report has some five files for each agent.
    private static let maxFiles = 500_000
    private static let maxDepth = 8
    private static let chunk = 1 << 20

    /// The report in the folder at `root`.
    ///
    /// - Throws: `.folder` if there is no such folder.
    package init(_ root: String) throws(ReportError) {
        var status = stat()
        guard stat(root, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            if status.st_mode & S_IFMT == S_IFREG {
                throw ReportError(
                    .folder,
                    "\(root) is a file, and a report is a folder.",
                    next: "Unpack it, if it is the archive of a report: tar xzf \(root) && doorward verify report"
                )
            }
            throw ReportError(
                .folder,
                "There is no folder \(root).",
                next: "Name the folder that `doorward admin report --out` made."
            )
        }
        self.root = root
    }

    package func paths() throws(ReportFailure) -> [String] {
        var paths: [String] = []
        try list("", depth: 0, into: &paths)
        return paths
    }

    private func list(_ folder: String, depth: Int, into paths: inout [String]) throws(ReportFailure) {
        guard depth <= Self.maxDepth else { throw ReportFailure(folder, "this folder is too deep") }
        guard let stream = opendir("\(root)/\(folder)") else {
            throw ReportFailure(folder, "this folder cannot be read")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
            let path = (folder.isEmpty ? "" : "\(folder)/") + String(decoding: name, as: UTF8.self)
            guard String(validating: name, as: UTF8.self) != nil else {
                throw ReportFailure(path, "this name is not UTF-8")
            }
            var status = stat()
            guard lstat("\(root)/\(path)", &status) == 0 else { throw ReportFailure(path, "this cannot be read") }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try list(path, depth: depth + 1, into: &paths)
            case S_IFREG: paths.append(path)
            default: throw ReportFailure(path, "this is no plain file")
            }
            guard paths.count <= Self.maxFiles else { throw ReportFailure(path, "there are too many files") }
        }
    }

    package func read(_ path: String, atMost limit: Int) throws(ReportFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        try scan(path) { piece throws(ReportFailure) in
            guard bytes.count + piece.count <= limit else { throw ReportFailure(path, "is too large") }
            bytes += piece
        }
        return bytes
    }

    package func scan(
        _ path: String,
        _ body: (UnsafeBufferPointer<UInt8>) throws(ReportFailure) -> Void
    ) throws(ReportFailure) {
        // Without waiting: what was a file when it was listed may be a pipe by now.
        let file = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw ReportFailure(path, errno == ENOENT ? "is missing" : "cannot be read") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ReportFailure(path, "this is no plain file")
        }
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ReportFailure(path, "cannot be read") }
            if count == 0 { return }
            try buffer.withUnsafeBufferPointer { bytes throws(ReportFailure) in
                try body(UnsafeBufferPointer(rebasing: bytes[..<count]))
            }
        }
    }
}
