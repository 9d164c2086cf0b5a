import Glibc

/// A descriptor that is closed once no object needs it any more.
final class OpenFile: Sendable {
    let number: Int32

    /// Takes a descriptor over.
    init(_ number: Int32) {
        self.number = number
    }

    deinit { close(number) }
}

/// A segment and the descriptor that it was written through, by which it can be read again without another file.
struct SegmentPart: Sendable {
    var segment: SegmentFile
    let file: OpenFile
}
