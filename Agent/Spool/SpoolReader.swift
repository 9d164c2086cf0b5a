internal import AuditLog
internal import Bytes
internal import Errors
internal import Glibc
internal import ServiceKit
internal import TransparencyLog

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

    /// An open segment.
    struct Source: Sendable {
        let segment: UInt64
        let file: OpenFile
    }

    let folder: SpoolFolder
    /// All segments, as they were when the reader was made.
    let segments: [SegmentFile]
    /// Where the last reading ended: the next one mostly goes on there.
    private(set) var cursor: Cursor?
    /// The file that was read last.
    private(set) var source: Source?
    /// Where files are read into: kept by those who read often.
    var room: [UInt8] = []

    private static let chunk = 128 << 10

    init(folder: SpoolFolder, segments: [SegmentFile], at cursor: Cursor? = nil, in source: Source? = nil) {
        self.folder = folder
        self.segments = segments
        self.cursor = cursor
        self.source = source
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

    /// The same records in one piece, each with its line feed, and how many they are: an array for each costs more than
    /// all that is done with it.
    mutating func stretch(
        from first: UInt64,
        to end: UInt64,
        atMost count: Int,
        bytes: Int
    ) throws(SpoolError) -> (bytes: [UInt8], count: Int) {
        var stretch: [UInt8] = []
        let held = segments.reduce(0) { $1.end > first ? $0 + $1.bytes : $0 }
        stretch.reserveCapacity(min(bytes, held, max(1, min(count, held)) << 10) + SpoolBatch.margin)
        var taken = 0
        try walk(from: first, to: end) { _, line in
            guard taken < count, taken == 0 || stretch.count + line.count < bytes else { return false }
            // The line feed is behind it.
            stretch.append(contentsOf: UnsafeBufferPointer(start: line.baseAddress, count: line.count + 1))
            taken += 1
            return true
        }
        return (stretch, taken)
    }

    /// The records of one call, in order; what was countersigned and removed meanwhile is passed over.
    mutating func find(_ call: RandomID) throws(SpoolError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for segment in segments {
            do throws(SpoolError) {
                _ = try walk(segment, from: segment.first, to: segment.end) { _, line in
                    if RecordLine.call(UnsafeRawBufferPointer(line)) == call { found.append(Array(line)) }
                    return true
                }
            } catch {
                if error.kind != .gone { throw error }
            }
        }
        return found
    }

    /// The hashes that were written beside the records from `first` on, below `end`; fewer where some have none.
    func hashes(from first: UInt64, to end: UInt64) throws(SpoolError) -> [Hash] {
        var hashes: [Hash] = []
        for segment in segments where segment.end > first && segment.first < end {
            let start = Int(max(first, segment.first) - segment.first) * Hash.length
            let stop = Int(min(end, segment.end) - segment.first) * Hash.length
            guard try folder.size(segment.hashName) != nil else { break }
            let file = OpenFile(try folder.open(segment.hashName, O_RDONLY))
            let bytes = try folder.read(file.number, from: start, to: stop, name: segment.hashName)
            bytes.withUnsafeBytes { hashes += Hash.each(in: $0) }
            if bytes.count < stop - start { break }
        }
        return hashes
    }

    /// The path and the line of a record, for messages.
    func place(of number: UInt64) -> String {
        guard let segment = segments.last(where: { $0.first <= number }) else { return folder.path }
        return "\(folder.path(segment.name)):\(number - segment.first + 1)"
    }

    /// Shows each record from `first` on, below `end`, until `body` does not take one.
    private mutating func walk(
        from first: UInt64,
        to end: UInt64,
        _ body: (UInt64, UnsafeBufferPointer<UInt8>) -> Bool
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
        _ body: (UInt64, UnsafeBufferPointer<UInt8>) -> Bool
    ) throws(SpoolError) -> Bool {
        let file = try open(segment)
        var number = segment.first
        var offset = 0
        if let cursor, cursor.segment == segment.first, cursor.number <= first {
            (number, offset) = (cursor.number, cursor.offset)
        }
        while number < end {
            let stop = min(segment.bytes, offset + Self.chunk)
            let count = try folder.read(file.number, from: offset, to: stop, name: segment.name, into: &room)
            let start = offset
            var isTaken = true
            room.withUnsafeBufferPointer { room in
                RecordLines.each(UnsafeBufferPointer(rebasing: room[..<count])) { line in
                    guard number < end else { return false }
                    isTaken = number < first || body(number, line)
                    guard isTaken else { return false }
                    number += 1
                    offset += line.count + 1
                    return true
                }
            }
            cursor = Cursor(number: number, segment: segment.first, offset: offset)
            guard isTaken else { return false }
            guard offset > start else { throw SpoolRecovery.damage(place(of: number), "is missing") }
        }
        return true
    }

    /// A segment that is not there any more was countersigned and removed just now.
    private mutating func open(_ segment: SegmentFile) throws(SpoolError) -> OpenFile {
        if let source, source.segment == segment.first { return source.file }
        let number = Glibc.open(folder.path(segment.name), O_RDONLY | O_CLOEXEC)
        guard number >= 0 else {
            if errno == ENOENT { throw SpoolError(.gone, "\(segment.name) was removed") }
            throw folder.failure("cannot be opened", folder.path(segment.name))
        }
        let file = OpenFile(number)
        source = Source(segment: segment.first, file: file)
        return file
    }
}
