/// Walks the lines of a head in a buffer that grows; no byte is looked at twice however the head arrives.
struct FieldLines {
    /// Where the line that is being read begins.
    private(set) var lineStart: Int
    private var searched: Int
    private let limit: Int

    init(limit: Int, from start: Int = 0) {
        self.limit = limit
        lineStart = start
        searched = start
    }

    enum Step {
        case incomplete
        /// A line, without its CRLF.
        case line(Range<Int>)
        case refused(HeadProblem)
    }

    /// The next line that is whole: ended by CRLF and free of control characters but tab.
    mutating func next(in bytes: UnsafeRawBufferPointer) -> Step {
        while true {
            searched = ByteScan.firstControl(in: bytes, from: searched)
            guard searched < min(bytes.count, limit) else {
                return bytes.count > limit ? .refused(.tooLong) : .incomplete
            }
            if bytes[searched] == 0x09 {
                searched += 1
                continue
            }
            guard bytes[searched] == 0x0D else { return .refused(.controlCharacter) }
            guard searched + 1 < bytes.count else { return .incomplete }
            guard bytes[searched + 1] == 0x0A else { return .refused(.controlCharacter) }
            guard searched + 2 <= limit else { return .refused(.tooLong) }
            let line = lineStart..<searched
            searched += 2
            lineStart = searched
            return .line(line)
        }
    }

    /// Splits a field line (RFC 9112 section 5); nil for a folded line and for one that is malformed.
    ///
    /// The name is not yet known to be a token: one that is compared with known names needs no such check.
    static func field(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> HeadField? {
        let colon = ByteScan.first(UInt8(ascii: ":"), in: bytes, line)
        guard colon > line.lowerBound, colon < line.upperBound else { return nil }
        let value = ByteScan.trimmed(bytes, colon + 1..<line.upperBound)
        return HeadField(
            name: ByteSpan(line.lowerBound, colon),
            value: ByteSpan(value.lowerBound, value.upperBound)
        )
    }

    /// Whether the bytes are a token (RFC 9110 section 5.6.2).
    static func isToken(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        areAll(bytes, range, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// Whether the bytes are what a path and a query are made of (RFC 3986 sections 3.3 and 3.4).
    static func isPathAndQuery(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        areAll(bytes, range, low: 0xAFFF_FFF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF)
    }

    private static func areAll(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, low: UInt64, high: UInt64) -> Bool
    {
        for index in range {
            let byte = bytes[index]
            guard byte < 0x80, (byte < 0x40 ? low : high) >> UInt64(byte & 0x3F) & 1 == 1 else { return false }
        }
        return !range.isEmpty
    }
}
