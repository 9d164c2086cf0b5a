/// Which URIs of resources a server may resolve to another place than their spelling says.
///
/// Patterns compare bytes, and the author of `file:///docs/*` means a folder. RFC 3986 section 5.2.4 removes dot segments,
/// and file systems drop empty segments and, some of them, take `\` for `/`: a URI with one of these names a place that its
/// first bytes do not show.
enum ResourceURI {
    /// Whether the URI has a `.` or `..` segment, an empty segment or a backslash, percent-encoded ones included.
    ///
    /// Dot segments and backslashes count in the query and fragment too, as servers exist that take all behind the scheme
    /// for a path. An empty segment counts in the path alone, and not at its end, where it names the folder itself.
    static func isAmbiguous(_ uri: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = hierarchicalPart(of: uri)
        var segment = Segment()
        var isInPath = true
        while index < uri.count {
            let (byte, next) = decoded(uri, at: index)
            let isEncoded = next > index + 1
            switch byte {
            case UInt8(ascii: "\\"):
                return true
            case UInt8(ascii: "/"):
                if segment.isDots { return true }
                if isInPath, !isEncoded, segment.isEmpty, segment.isPart { return true }
                segment = Segment(isPart: true)
            case UInt8(ascii: "?") where !isEncoded, UInt8(ascii: "#") where !isEncoded:
                if segment.isDots { return true }
                segment = Segment()
                isInPath = false
            default:
                segment.add(byte)
            }
            index = next
        }
        return segment.isDots
    }

    /// What has been read of one segment.
    private struct Segment {
        /// Whether a slash precedes it: only then can it be an empty one.
        var isPart = false
        private(set) var isEmpty = true
        private var dots = 0
        private var hasName = false
        private var hasParameters = false

        init(isPart: Bool = false) {
            self.isPart = isPart
        }

        /// `.` or `..`, also with parameters (RFC 3986 section 3.3), which some servers take off before they resolve it.
        var isDots: Bool { !hasName && (1...2).contains(dots) }

        mutating func add(_ byte: UInt8) {
            isEmpty = false
            switch byte {
            case _ where hasParameters: break
            case UInt8(ascii: "."): dots += 1
            case UInt8(ascii: ";"): hasParameters = true
            default: hasName = true
            }
        }
    }

    /// Where the scheme and the two slashes before an authority end: those are no empty segment.
    private static func hierarchicalPart(of uri: UnsafeBufferPointer<UInt8>) -> Int {
        var index = 0
        if let colon = uri.firstIndex(of: UInt8(ascii: ":")), uri[..<colon].allSatisfy(isSchemeByte) {
            index = colon + 1
        }
        let slash = UInt8(ascii: "/")
        if index + 1 < uri.count, uri[index] == slash, uri[index + 1] == slash { index += 2 }
        return index
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// The byte at a place, percent-decoded as often as it was encoded, and where the next one begins.
    private static func decoded(_ uri: UnsafeBufferPointer<UInt8>, at index: Int) -> (byte: UInt8, next: Int) {
        guard uri[index] == UInt8(ascii: "%") else { return (uri[index], index + 1) }
        var digits = index + 1
        while digits + 1 < uri.count, let high = hex(uri[digits]), let low = hex(uri[digits + 1]) {
            let byte = high << 4 | low
            digits += 2
            // `%252e` is `%2e` to a server that decodes twice.
            guard byte == UInt8(ascii: "%") else { return (byte, digits) }
        }
        return (UInt8(ascii: "%"), index + 1)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
