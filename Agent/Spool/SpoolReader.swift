internal import AuditLog
internal import Glibc
internal import ServiceKit

/// Reads records again.
struct SpoolReader: Sendable {
    /// A record and its number.
    struct Line {
        let number: UInt64
        let bytes: [UInt8]
    }

    /// A record's place in a file.
    struct Cursor: Sendable {
        let number: UInt64
        let segment: UInt64
        let offset: Int
    }

    let folder: SpoolFolder
    /// All segments, as they were when the reader was made.
    let segments: [SegmentFile]
    /// Where the last reading ended: the next one mostly goes on there.
    private(set) var cursor: Cursor?

    private static let chunk = 256 << 10

    init(folder: SpoolFolder, segments: [SegmentFile], at cursor: Cursor? = nil) {
        self.folder = folder
        self.segments = segments
        self.cursor = cursor
    }

    /// Behind the last record.
    var end: UInt64 { segments.last?.end ?? 0 }

    /// The records from `first` on, below `end`: at most so many, and so many bytes of them, but at least one.
    mutating func lines(from first: UInt64, to end: UInt64, atMost count: Int, bytes: Int) throws(SpoolError) -> [Line]
    {
        var lines: [Line] = []
        var size = 0
        try walk(from: first, to: end) { number, line in
            guard lines.count < count, lines.isEmpty || size + line.count < bytes else { return false }
            lines.append(Line(number: number, bytes: Array(line)))
            size += line.count + 1
            return true
        }
        return lines
    }

    /// The records of one call, in order.
    mutating func find(_ call: AuditID) throws(SpoolError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        try walk(from: segments.first?.first ?? 0, to: end) { _, line in
            if line.withUnsafeBytes({ RecordLine.call($0) }) == call { found.append(Array(line)) }
            return true
        }
        return found
    }

    /// The hash that was written beside a record; nil if it has none.
    func hash(of number: UInt64) throws(SpoolError) -> Hash? {
        guard let segment = segments.last(where: { $0.first <= number }) else { return nil }
        let start = Int(number - segment.first) * Hash.length
        guard let size = try folder.size(segment.hashName), size >= start + Hash.length else { return nil }
        return Hash(try folder.read(segment.hashName, from: start, to: start + Hash.length))
    }

    /// Where a record stands, in words.
    func place(of number: UInt64) -> String {
        guard let segment = segments.last(where: { $0.first <= number }) else { return folder.path }
        return "\(folder.path(segment.name)):\(number - segment.first + 1)"
    }

    /// Shows each record from `first` on, below `end`, until `body` does not take one.
    private mutating func walk(
        from first: UInt64,
        to end: UInt64,
        _ body: (UInt64, ArraySlice<UInt8>) -> Bool
    ) throws(SpoolError) {
        guard let start = segments.first?.first, first >= start else {
            throw SpoolError(.gone, "record \(first) was countersigned and removed")
        }
        for segment in segments where segment.end > first && segment.first < end {
            guard try walk(segment, from: first, to: min(end, segment.end), body) else { return }
        }
    }

    private mutating func walk(
        _ segment: SegmentFile,
        from first: UInt64,
        to end: UInt64,
        _ body: (UInt64, ArraySlice<UInt8>) -> Bool
    ) throws(SpoolError) -> Bool {
        let file = try open(segment)
        defer { close(file) }
        var number = segment.first
        var offset = 0
        if let cursor, cursor.segment == segment.first, cursor.number <= first {
            (number, offset) = (cursor.number, cursor.offset)
        }
        while number < end {
            let stop = min(segment.bytes, offset + Self.chunk)
            var reader = LineReader(try folder.read(file, from: offset, to: stop, name: segment.name))
            let start = offset
            while number < end, let line = reader.next() {
                guard number < first || body(number, line) else { return false }
                number += 1
                offset = start + reader.offset
                cursor = Cursor(number: number, segment: segment.first, offset: offset)
            }
            guard offset > start else { throw SpoolRecovery.damage(place(of: number), "is missing") }
        }
        return true
    }

    /// A segment that is not there any more was countersigned and removed just now.
    private func open(_ segment: SegmentFile) throws(SpoolError) -> Int32 {
        let file = Glibc.open(folder.path(segment.name), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { throw SpoolError(.gone, "\(segment.name) was removed") }
            throw folder.failure("cannot be opened", folder.path(segment.name))
        }
        return file
    }
}
