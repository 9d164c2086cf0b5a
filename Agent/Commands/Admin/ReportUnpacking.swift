internal import Archive
import Foundation

/// Unpacks the archive of a report, from the disk into a folder that holds nothing else, in constant memory.
///
/// What a report says is checked by `doorward verify`; here it is seen to that nothing is written beside the folder, and
/// that a report that cannot be unpacked leaves nothing behind.
struct ReportUnpacking {
    /// The records of a report have at most 1 GiB, and their proofs a fraction of that.
    private static let mostBytes = 4 << 30
    /// As many as `doorward verify` reads.
    private static let mostFiles = 500_000

    private let folder: String
    /// What the coordinator has packed the report's files under.
    private var prefix: String?
    private var file: FileHandle?
    private var isRecords = false
    private var lastParent = ""
    /// What was made in the folder.
    private var made: Set<String> = []
    private var bytes = 0
    private var files = 0
    /// How many records there are.
    private var records = 0

    /// Unpacks an archive that is open for reading; returns how many records there are.
    static func unpack(_ archive: FileHandle, into folder: String) throws -> Int {
        var unpacking = ReportUnpacking(folder: folder)
        do {
            try unpacking.run(archive)
            return unpacking.records
        } catch {
            unpacking.undo()
            switch error {
            case is GzipError, is TarReader.Malformed: throw malformed
            case let failure as CommandFailure: throw failure
            default: throw CommandFailure.unwritable(folder, error)
            }
        }
    }

    private init(folder: String) {
        self.folder = folder
    }

    private mutating func run(_ archive: FileHandle) throws {
        try archive.seek(toOffset: 0)
        let gzip = GzipReader()
        var tar = TarReader()
        while let piece = try archive.read(upToCount: 256 << 10), !piece.isEmpty {
            try [UInt8](piece).withUnsafeBufferPointer { piece in
                try gzip.read(piece) { bytes in try tar.read(bytes) { part in try take(part) } }
            }
        }
        try gzip.finish()
        try tar.finish()
        guard prefix != nil else { throw Self.malformed }
    }

    private mutating func take(_ part: TarReader.Part) throws {
        switch part {
        case .file(let path, let size): try begin(path, size)
        case .bytes(let bytes):
            if isRecords { records += bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } }
            try file?.write(contentsOf: UnsafeRawBufferPointer(bytes))
        case .end:
            try file?.close()
            file = nil
        }
    }

    private mutating func begin(_ path: String, _ size: Int) throws {
        bytes += size
        files += 1
        guard bytes <= Self.mostBytes, files <= Self.mostFiles else { throw Self.malformed }
        // The records come first, and all other files beside them.
        let name = "records.jsonl"
        isRecords = prefix == nil
        if isRecords {
            guard path == name || path.hasSuffix("/\(name)") else { throw Self.malformed }
            prefix = String(path.dropLast(name.count))
        }
        guard let prefix, path.hasPrefix(prefix) else { throw Self.malformed }
        let place = URL(fileURLWithPath: folder).appendingPathComponent(String(path.dropFirst(prefix.count)))
        if let top = path.dropFirst(prefix.count).split(separator: "/").first { made.insert(String(top)) }
        let parent = place.deletingLastPathComponent()
        if parent.path != lastParent {
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            lastParent = parent.path
        }
        let descriptor = open(place.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            guard errno != EEXIST else { throw Self.malformed }
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private mutating func undo() {
        try? file?.close()
        // Ignorable: what cannot be removed is seen in the folder.
        for name in made { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
    }

    private static let malformed = CommandFailure(
        "bad_archive",
        "The coordinator's archive cannot be read by this release.",
        next: "Pull it with curl from /v1/reports and unpack it with tar."
    )
}
