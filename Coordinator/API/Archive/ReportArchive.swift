internal import Archive
internal import AuditSink
internal import Contract
internal import Hummingbird
internal import NIOCore
internal import ServiceKit

/// A report as one file: a folder `report/` in a tar.gz, made while it is sent.
struct ReportArchive: Sendable {
    private let report: Report
    /// Of all its files, in seconds since 1970.
    private let modified: Int
    /// How long it may take to send it.
    private let time: Duration

    /// What is read from the disk at a time.
    private static let piece = 256 << 10
    /// What is sent at a time at least, but for the end.
    private static let least = 64 << 10
    static let mediaType = "application/gzip"

    /// - Parameters:
    ///   - report: What is sent.
    ///   - clock: The time.
    ///   - patience: How long it may take to send it, beside what its size takes at half a megabyte a second. A slower
    ///     client keeps the report, and its place, from others.
    /// - Throws: a `Problem` for what the archive's format cannot hold.
    init(_ report: Report, clock: MachineClock, patience: Duration = .seconds(120)) throws {
        self.report = report
        time = patience + .seconds(report.files.reduce(0) { $0 + $1.size } >> 19)
        modified = Int(clock.wall() / 1_000_000)
        for file in report.files {
            guard TarHeader.file(Self.name(file), size: file.size, modified: modified) != nil else {
                throw Problem.tooLargeForArchive
            }
        }
    }

    /// The bytes, one piece after the other as they are taken.
    ///
    /// When something fails on the way, or takes too long, the stream breaks off: no reader takes it for whole.
    var body: ResponseBody {
        ResponseBody { writer in
            let end = ContinuousClock.now + time
            let gzip = GzipWriter(.least)
            // What is ready of the stream; sent once it is worth it.
            var ready: [UInt8] = []
            for file in report.files {
                guard let header = TarHeader.file(Self.name(file), size: file.size, modified: modified) else {
                    throw Problem.tooLargeForArchive
                }
                gzip.write(header, to: &ready)
                var offset = 0
                while offset < file.size {
                    let bytes = try file.read(at: offset, Self.piece)
                    // Shorter than it was said to be: what follows would be at the wrong place.
                    guard !bytes.isEmpty else { throw Problem.brokenBody }
                    // A connection on which nothing moves is closed, so a piece is never waited for without end.
                    guard ContinuousClock.now < end else { throw Problem.brokenBody }
                    offset += bytes.count
                    gzip.write(bytes, to: &ready)
                    guard ready.count >= Self.least else { continue }
                    try await writer.write(ByteBuffer(bytes: ready))
                    ready.removeAll(keepingCapacity: true)
                }
                gzip.write(TarHeader.padding(after: file.size), to: &ready)
            }
            gzip.write(TarHeader.end, to: &ready)
            gzip.finish(to: &ready)
            try await writer.write(ByteBuffer(bytes: ready))
            try await writer.finish(nil)
        }
    }

    private static func name(_ file: Report.File) -> String { "report/\(file.path)" }
}

extension Problem {
    fileprivate static let tooLargeForArchive = Problem(
        "report_too_large",
        status: 413,
        title: "The report is too large for an archive",
        detail: "A file of the report has a name or a size that the archive's format cannot hold.",
        next: "Ask for a shorter time, one user or one server."
    )
}
