internal import Bytes

/// Records that wait for the next write, laid out in memory that is kept for those after them.
struct SpoolBuffer: Sendable {
    private var room: [UInt8] = Array(repeating: 0, count: shortest)
    /// The number of bytes that wait.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Appends what `body` lays out, and a line feed.
    ///
    /// - Parameters:
    ///   - most: The most bytes that `body` lays out.
    ///   - body: Lays one record out.
    /// - Returns: The number of bytes.
    mutating func appendLine(ofAtMost most: Int, _ body: (inout ByteWriter) -> Void) -> Int {
        while room.count - count <= most { room.append(contentsOf: repeatElement(0, count: room.count)) }
        let start = count
        let length = room.withUnsafeMutableBytes { room in
            var line = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: room[start...]))
            body(&line)
            line.append(UInt8(ascii: "\n"))
            return line.count
        }
        count += length
        return length
    }

    mutating func removeLast(_ length: Int) { count -= length }

    /// Forgets what was written; memory that only a disk which took nothing needed is given back.
    mutating func removeAll() {
        count = 0
        if room.count > Self.longestKept { room = Array(repeating: 0, count: Self.shortest) }
    }

    private static let shortest = 64 << 10
    private static let longestKept = 2 << 20

    /// Lends the bytes from `start` on.
    func withBytes<Result>(from start: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        room.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<count])) }
    }
}
