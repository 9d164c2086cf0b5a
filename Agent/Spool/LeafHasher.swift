internal import AuditLog
internal import Errors
internal import Glibc
internal import ServiceKit
internal import TransparencyLog

/// Follows the records once they are durable: hashes each, once, and remembers which calls are open.
///
/// The hashes go to a file beside the records. They are what a record is checked against when it is read again, since a
/// changed letter leaves it canonical; and as they are written after the records were made durable, a hash without its
/// record says that the record was there. Owned by the syncer's thread.
struct LeafHasher: Sendable {
    let folder: SpoolFolder
    /// The segment that is followed, by its first number.
    private(set) var segment: UInt64
    /// Where the next record begins in it.
    private var offset: Int
    /// The number of the next record.
    private(set) var next: UInt64
    var open: OpenCalls
    /// The segment with which the next start has to begin reading, since a file has what came before.
    private(set) var saved: UInt64
    /// What is durable and not yet followed, with the segment that is followed first.
    private var waiting: [SegmentPart] = []
    /// Hashes of this segment that the disk did not take yet.
    private var unwritten: [Hash] = []
    private var hashFile: OpenFile?
    /// Where records are read into.
    private var room: [UInt8] = []

    /// What was found in one go.
    struct Slice {
        var hashes: [Hash] = []
        var hasDenial = false
    }

    /// About as much as goes out in one upload: the shipper's turn comes as often.
    private static let chunk = 128 << 10
    /// After so many records others may run; one less than a power of two.
    private static let pace: UInt64 = 15

    init(folder: SpoolFolder, segment: SegmentFile, open: OpenCalls) {
        self.folder = folder
        self.segment = segment.first
        offset = segment.bytes
        next = segment.end
        self.open = open
        saved = open.first
    }

    /// Whether everything that is durable was followed.
    var isDone: Bool { waiting.isEmpty }

    /// Takes in segments that are durable as far as they are said to go, in their order.
    mutating func take(_ parts: [SegmentPart]) {
        for part in parts where part.segment.first >= segment {
            if let index = waiting.firstIndex(where: { $0.segment.first == part.segment.first }) {
                waiting[index] = part
            } else {
                waiting.append(part)
            }
        }
    }

    /// Follows what waits, in steps of a bounded length: other work of this thread waits for one step.
    ///
    /// No file is opened for the records. What cannot be written beside them is written another time.
    ///
    /// - Returns: What was found; nothing if nothing waits.
    /// - Throws: `.damaged`, which stays so, or `.file`, and then the same step can be tried again.
    mutating func step() throws(SpoolError) -> Slice {
        var slice = Slice()
        while let part = waiting.first {
            if part.segment.first > segment { begin(part.segment.first) }
            guard part.segment.first == segment, offset < part.segment.bytes else {
                open.denied[part.segment.first] = part.segment.denied
                waiting.removeFirst()
                continue
            }
            try follow(part, &slice)
            break
        }
        return slice
    }

    /// Follows all that waits.
    mutating func finish() throws(SpoolError) {
        while !isDone { _ = try step() }
    }

    private mutating func begin(_ first: UInt64) {
        segment = first
        offset = 0
        unwritten = []
        hashFile = nil
        open.first = first
        saveOpen()
    }

    /// Has the next start read from here on, unless it is so already; where it cannot be written, that start reads more.
    mutating func saveOpen() {
        guard saved != open.first else { return }
        do {
            try open.save(folder)
            saved = open.first
        } catch {
            // Tried again in a moment: until then the older segments stay.
        }
    }

    private mutating func follow(_ part: SegmentPart, _ slice: inout Slice) throws(SpoolError) {
        let end = min(part.segment.bytes, offset + Self.chunk)
        let count = try folder.read(part.file.number, from: offset, to: end, name: part.segment.name, into: &room)
        var length = 0
        room.withUnsafeBufferPointer { room in
            RecordLines.each(UnsafeBufferPointer(rebasing: room[..<count])) { line in
                slice.hashes.append(.leaf(line))
                if open.follow(UnsafeRawBufferPointer(line)) == .deny { slice.hasDenial = true }
                next += 1
                length += line.count + 1
                // The threads that serve calls must not wait until all of a group is hashed.
                if next & Self.pace == 0 { sched_yield() }
                return true
            }
        }
        guard length > 0 else {
            throw SpoolError(.damaged, "\(folder.path(part.segment.name)) was changed by somebody else")
        }
        offset += length
        unwritten += slice.hashes
        writeHashes(of: part.segment)
    }

    /// A full disk leaves them for the next time: what is missing costs a start that reads the records.
    private mutating func writeHashes(of segment: SegmentFile) {
        if hashFile == nil { hashFile = (try? folder.open(segment.hashName, O_WRONLY | O_CREAT)).map(OpenFile.init) }
        guard let hashFile else { return }
        let place = Int(next - segment.first) - unwritten.count
        let done = unwritten.withUnsafeBytes {
            pwrite(hashFile.number, $0.baseAddress, $0.count, off_t(place * Hash.length))
        }
        unwritten.removeFirst(max(done, 0) / Hash.length)
    }
}

/// The lines of bytes that were read from a file; the bytes behind the last line feed are not a line yet.
struct LineReader: IteratorProtocol {
    private let bytes: [UInt8]
    /// Behind the last line that was given.
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next line without its line feed.
    mutating func next() -> ArraySlice<UInt8>? {
        let start = offset
        let length = bytes.withUnsafeBytes { bytes -> Int? in
            guard start < bytes.count, let begin = bytes.baseAddress.map({ $0 + start }),
                let found = memchr(begin, 0x0A, bytes.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - begin
        }
        guard let length else { return nil }
        offset = start + length + 1
        return bytes[start..<start + length]
    }

    /// The bytes behind the last line feed.
    var rest: ArraySlice<UInt8> { bytes[offset...] }
}
