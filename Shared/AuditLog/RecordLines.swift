internal import Glibc

/// Goes over lines of records, each of which ends with a line feed.
package enum RecordLines {
    /// How many lines there are; nil if one is empty, or the last has no end.
    package static func count(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var count = 0
        var start = 0
        while let end = end(in: bytes, from: start) {
            guard end > start else { return nil }
            count += 1
            start = end + 1
        }
        return start == bytes.count ? count : nil
    }

    /// Lends each line to `body`, without its line feed, until that returns false.
    package static func each(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Bool
    ) rethrows {
        var start = 0
        while let end = end(in: bytes, from: start) {
            guard try body(UnsafeBufferPointer(rebasing: bytes[start..<end])) else { return }
            start = end + 1
        }
    }

    /// Where the line ends that begins at `start`: the place of its line feed, if it has one.
    package static func end(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard let base = UnsafeRawPointer(bytes.baseAddress), start < bytes.count,
            let found = memchr(base + start, 0x0A, bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
