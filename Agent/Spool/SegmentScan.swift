internal import Glibc
internal import StrictJSON
internal import TransparencyLog

/// One reading of a whole segment: which of its lines are valid, and what is wrong behind them.
struct SegmentScan {
    /// What is wrong with the first invalid line.
    struct Flaw {
        let why: String
        /// Whether it can be what was being written when the machine stopped.
        let isTorn: Bool
        /// How many lines are lost if it is.
        var lines = 0
    }

    /// The valid records.
    private(set) var lines: [ArraySlice<UInt8>] = []
    /// Where they end.
    private(set) var bytes = 0
    private(set) var flaw: Flaw?

    private let segment: SegmentFile
    /// Those that were written beside the records.
    private let known: [UInt8]
    private var hashes: [Hash] = []

    init(_ segment: SegmentFile, in folder: SpoolFolder) throws(SpoolError) {
        self.segment = segment
        known = try folder.size(segment.hashName) == nil ? [] : try folder.read(segment.hashName)
        var reader = LineReader(try folder.read(segment.name))
        let count = known.count / Hash.length
        while let line = reader.next() {
            let hash = Hash.leaf(line)
            if let why = flaw(of: line, hash: hash) {
                let isTorn = lines.count >= count && RecordLine.number(line) == nil && !Self.holdsRecord(reader)
                flaw = Flaw(why: why, isTorn: isTorn, lines: 1 + Self.remaining(reader))
                return
            }
            lines.append(line)
            hashes.append(hash)
            bytes = reader.offset
        }
        if lines.count < count {
            flaw = Flaw(why: reader.rest.isEmpty ? "is missing" : "was cut off", isTorn: false)
        } else if !reader.rest.isEmpty {
            flaw = Flaw(why: "is half a record", isTorn: true, lines: 1)
        }
    }

    /// Writes the hashes of the records that had none yet.
    func writeHashes(in folder: SpoolFolder) throws(SpoolError) {
        let count = known.count / Hash.length
        guard count < hashes.count else { return }
        let file = try folder.open(segment.hashName, O_WRONLY | O_CREAT)
        defer { close(file) }
        let bytes = hashes[count...].flatMap(\.bytes)
        // What a full disk does not take is computed again the next time.
        _ = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, off_t(count * Hash.length)) }
    }

    private func flaw(of line: ArraySlice<UInt8>, hash: Hash) -> String? {
        let start = lines.count * Hash.length
        if start + Hash.length <= known.count {
            // What was hashed when it was written needs no second reading.
            let isSame = hash.withUnsafeBytes { $0.elementsEqual(known[start..<start + Hash.length]) }
            return isSame ? nil : "is not what was written"
        }
        guard let number = RecordLine.number(line) else { return "is no record" }
        let expected = segment.first + UInt64(lines.count)
        return number == expected ? nil : "has the number \(number) where \(expected) belongs"
    }

    /// Whether a complete record follows a line that is not one: then that line is damage and not the end.
    private static func holdsRecord(_ reader: LineReader) -> Bool {
        var reader = reader
        while let line = reader.next() {
            if RecordLine.number(line) != nil { return true }
        }
        return false
    }

    private static func remaining(_ reader: LineReader) -> Int {
        var reader = reader
        var count = 0
        while reader.next() != nil { count += 1 }
        return count + (reader.rest.isEmpty ? 0 : 1)
    }
}
