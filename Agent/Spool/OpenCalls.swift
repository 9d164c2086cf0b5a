internal import AuditLog

/// The calls that have begun and not ended.
///
/// At each new segment they are written to a file, so that a start has to read the last segment only: its first line is
/// the segment's first number, then come the records of the beginnings.
struct OpenCalls: Sendable {
    private static let name = "open"
    private static let maxBytes = 64 << 20

    /// The first number of the segment that comes next.
    var first: UInt64
    private(set) var begins: [AuditID: [UInt8]] = [:]

    init(first: UInt64) {
        self.first = first
    }

    /// Looks at one record.
    mutating func follow(_ line: ArraySlice<UInt8>) {
        line.withUnsafeBytes { bytes in
            switch RecordLine.kind(bytes) {
            case .other: break
            case .begin: if let call = RecordLine.call(bytes) { begins[call] = Array(line) }
            case .end: if let call = RecordLine.call(bytes) { begins[call] = nil }
            }
        }
    }

    /// What the records of the ends must say, in the order of the beginnings.
    var facts: [CallFacts] {
        begins.values.sorted { (RecordLine.number($0[...]) ?? 0) < (RecordLine.number($1[...]) ?? 0) }
            .compactMap(RecordLine.facts)
    }

    /// The calls as they were written last; nil if they never were.
    static func load(_ folder: SpoolFolder) throws(SpoolError) -> OpenCalls? {
        guard let bytes = try SealedFile.read(name, in: folder, maxBytes: maxBytes) else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let head = lines.first, let first = UInt64(String(decoding: head, as: UTF8.self)) else { return nil }
        var open = OpenCalls(first: first)
        for line in lines.dropFirst() { open.follow(line) }
        return open
    }

    func save(_ folder: SpoolFolder) throws(SpoolError) {
        var bytes = Array("\(first)\n".utf8)
        for line in begins.values { bytes += line + [UInt8(ascii: "\n")] }
        try SealedFile.write(bytes, Self.name, in: folder)
    }
}
