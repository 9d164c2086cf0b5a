internal import Dispatch
internal import Synchronization

/// Where records are read again for one purpose, one reading after the other, with what makes the next one short.
final class ReadingDesk: Sendable {
    /// What is kept from one reading to the next.
    struct Kept: Sendable {
        /// Where the last reading ended.
        var cursor: SpoolReader.Cursor?
        /// The file that it ended in.
        var file: SpoolReader.Source?
        /// Which files these are true of.
        var epoch = 0
        /// Memory that files are read into.
        var room: [UInt8] = []
    }

    let queue: DispatchQueue
    let kept = Mutex(Kept())

    init(_ label: String) {
        queue = DispatchQueue(label: label)
    }
}
