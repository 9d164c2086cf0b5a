internal import AuditLog
internal import Glibc
internal import ServiceKit

/// Follows the records once they are durable: hashes each, once, and remembers which calls are open.
///
/// The hashes go to a file beside the records. They are what a record is checked against when it is read again, since a
/// changed letter leaves it canonical; and as they are written after the records were made durable, a hash without its
/// record says that the record was there. Owned by the syncer's thread.
struct LeafFollower: Sendable {
    let folder: SpoolFolder
    /// The segment that is followed, by its first number.
    private(set) var segment: UInt64
    /// Where the next record begins in it.
    private var offset: Int
    /// The number of the next record.
    private(set) var next: UInt64
    var open: OpenCalls
    /// Hashes of this segment that the disk did not take yet.
    private var unwritten: [Hash] = []

    private static let chunk = 1 << 20
    /// After so many records others may run; one less than a power of two.
    private static let pace: UInt64 = 15

    init(folder: SpoolFolder, segment: SegmentFile, open: OpenCalls) {
        self.folder = folder
        self.segment = segment.first
        offset = segment.bytes
        next = segment.end
        self.open = open
    }

    /// Takes in all records of these segments, which begin with the one that is followed.
    mutating func follow(_ segments: [SegmentFile]) throws(SpoolError) -> [Hash] {
        var hashes: [Hash] = []
        for each in segments where each.first >= segment {
            if each.first > segment {
                segment = each.first
                offset = 0
                unwritten = []
                open.first = each.first
                try open.save(folder)
            }
            hashes += try follow(each)
        }
        return hashes
    }

    private mutating func follow(_ segment: SegmentFile) throws(SpoolError) -> [Hash] {
        guard offset < segment.bytes else { return [] }
        let file = try folder.open(segment.name, O_RDONLY)
        defer { close(file) }
        var hashes: [Hash] = []
        while offset < segment.bytes {
            let end = min(segment.bytes, offset + Self.chunk)
            var lines = LineReader(try folder.read(file, from: offset, to: end, name: segment.name))
            while let line = lines.next() {
                hashes.append(.leaf(line))
                open.follow(line)
                next += 1
                // Whoever serves calls must not wait until all of a group is hashed.
                if next & Self.pace == 0 { sched_yield() }
            }
            guard lines.offset > 0 else {
                throw SpoolError(.damaged, "\(folder.path(segment.name)) was changed by somebody else")
            }
            offset += lines.offset
        }
        unwritten += hashes
        try writeHashes(of: segment)
        return hashes
    }

    /// A full disk leaves them for the next time: what is missing costs a start that reads the records.
    private mutating func writeHashes(of segment: SegmentFile) throws(SpoolError) {
        let file = try folder.open(segment.hashName, O_WRONLY | O_CREAT)
        defer { close(file) }
        let place = Int(next - segment.first) - unwritten.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(unwritten.count * Hash.length)
        for hash in unwritten { hash.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        let done = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, off_t(place * Hash.length)) }
        unwritten.removeFirst(max(done, 0) / Hash.length)
    }
}

/// The lines of bytes that were read from a file; what stands behind the last line feed is no line yet.
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

    /// What stands behind the last line feed.
    var rest: ArraySlice<UInt8> { bytes[offset...] }
}
