internal import Bytes

/// The calls that have begun and not ended, and what else a start has to know of segments that it does not read.
///
/// At each new segment they are written to a file, so that a start has to read the last segment only: its first line is
/// the segment's first number, then come how much of each older segment are refusals, and the records of the beginnings.
/// It may have any length: it is written and read line by line.
struct OpenCalls: Sendable {
    private static let name = "open"

    /// A call that has begun.
    struct Begin: Sendable {
        /// The number of its record.
        let number: UInt64
        let line: [UInt8]
    }

    /// The first number of the segment that comes next.
    var first: UInt64
    private(set) var begins: [RandomID: Begin] = [:]
    /// How many bytes of older segments are refusals, by their first numbers.
    var denied: [UInt64: Int] = [:]

    init(first: UInt64) {
        self.first = first
    }

    /// Looks at one record; says what it is.
    @discardableResult
    mutating func follow(_ line: UnsafeRawBufferPointer) -> RecordLine.Kind {
        let kind = RecordLine.kind(line)
        guard kind == .begin || kind == .end, let call = RecordLine.call(line) else { return kind }
        if kind == .begin {
            begins[call] = Begin(number: RecordLine.knownNumber(line) ?? 0, line: Array(line))
        } else {
            begins[call] = nil
        }
        return kind
    }

    /// The same of a line in an array.
    @discardableResult
    mutating func follow(_ line: ArraySlice<UInt8>) -> RecordLine.Kind { line.withUnsafeBytes { follow($0) } }

    /// The beginnings, in their order.
    var inOrder: [Begin] { begins.values.sorted { $0.number < $1.number } }

    // MARK: The file

    /// The calls as they were written last; nil if they never were.
    static func load(_ folder: SpoolFolder) throws(SpoolError) -> OpenCalls? {
        var open: OpenCalls?
        var isHead = true
        let isThere = try SealedFile.readLines(name, in: folder) { line in
            if isHead {
                isHead = false
                open = UInt64(String(decoding: line, as: UTF8.self)).map(OpenCalls.init(first:))
            } else if !(open?.takeDenied(line) ?? true) {
                open?.follow(line)
            }
        }
        return isThere ? open : nil
    }

    func save(_ folder: SpoolFolder) throws(SpoolError) {
        let head = Array("\(first)".utf8)[...]
        let counts = denied.sorted { $0.key < $1.key }.map { Array("denied \($0.key) \($0.value)".utf8)[...] }
        try SealedFile.writeLines(Self.name, in: folder) { write in
            write(head)
            for count in counts { write(count) }
            for begin in begins.values { write(begin.line[...]) }
        }
    }

    /// Takes a line that says how much of a segment are refusals; false for any other.
    private mutating func takeDenied(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.starts(with: Self.deniedMark) else { return false }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        if words.count == 3, let segment = UInt64(words[1]), let bytes = Int(words[2]) { denied[segment] = bytes }
        return true
    }

    private static let deniedMark = Array("denied ".utf8)
}
