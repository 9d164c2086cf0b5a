package import StrictJSON

/// A folder as a rule names it, and whether a path lies in it.
///
/// Paths are compared segment by segment: `/srv/data` holds `/srv/data/x` and not `/srv/database`. Servers resolve paths
/// in ways of their own, so one that any of them could take for another place lies nowhere for certain.
package struct FolderPath: Hashable, Sendable {
    /// The folder as it is written.
    package let text: JSONText
    private let segments: [[UInt8]]
    private var isAbsolute: Bool { text.utf8.first == Self.slash }

    /// The longest folder, and the longest path that is looked at, in bytes.
    private static let longest = 1024
    static let longestPath = 8192
    private static let slash = UInt8(ascii: "/")

    /// Reads a folder; throws where it could be resolved to another one.
    init(_ json: JSONValue, at place: String) throws(ShapeError) {
        text = try ObjectReader.identifier(json, at: place)
        guard text.utf8.count <= Self.longest, !text.utf8.contains(UInt8(ascii: "%")), text.utf8.first != Self.home,
            let segments = text.utf8.withUnsafeBufferPointer(Self.segments)
        else {
            throw ShapeError(
                place,
                "must be a folder of at most \(Self.longest) bytes without %, \\, ~, empty segments, . and .."
            )
        }
        self.segments = segments
    }

    /// Whether a path is the folder or lies in it.
    ///
    /// It must be so of the path as it is and of the path percent-decoded once: servers of either kind exist.
    func holds(_ path: UnsafeBufferPointer<UInt8>) -> Truth {
        guard (1...Self.longestPath).contains(path.count) else { return .unknown }
        guard path.contains(UInt8(ascii: "%")) else { return lies(path) }
        guard let decoded = Self.decoded(path) else { return .unknown }
        let truth = lies(path)
        return decoded.withUnsafeBufferPointer(lies) == truth ? truth : .unknown
    }

    private func lies(_ path: UnsafeBufferPointer<UInt8>) -> Truth {
        // Where a relative path begins is for its server to say, and so is whose home `~` is.
        guard (path.first == Self.slash) == isAbsolute, path.first != Self.home, let segments = Self.segments(path)
        else {
            return .unknown
        }
        return segments.starts(with: self.segments) ? .holds : .fails
    }

    private static let home = UInt8(ascii: "~")

    /// The segments of a path; nil where one of them is resolved by some servers.
    private static func segments(_ path: UnsafeBufferPointer<UInt8>) -> [[UInt8]]? {
        guard path.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { return nil }
        var parts = path.split(separator: slash, omittingEmptySubsequences: false)[...]
        if path.first == slash { parts = parts.dropFirst() }
        // A slash at the end is the folder itself.
        if parts.last?.isEmpty == true { parts = parts.dropLast() }
        for part in parts {
            // Some servers take parameters (`..;x`) off before they resolve a segment.
            let name = part.prefix { $0 != UInt8(ascii: ";") }
            guard !part.isEmpty, !name.allSatisfy({ $0 == UInt8(ascii: ".") }) || name.count > 2 else { return nil }
        }
        return parts.map { Array($0) }
    }

    /// The path percent-decoded once; nil where an escape is none, or one is left for those who decode twice.
    private static func decoded(_ path: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            guard path[index] == UInt8(ascii: "%") else {
                result.append(path[index])
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = hex(path[index + 1]), let low = hex(path[index + 2]) else {
                return nil
            }
            let byte = high << 4 | low
            if byte == UInt8(ascii: "%") { return nil }
            result.append(byte)
            index += 3
        }
        return result
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
