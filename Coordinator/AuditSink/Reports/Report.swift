/// A report that was made: its files, to be sent or written somewhere.
///
/// The records lie on the disk, in a file that is gone with the last reference to this value, and so is its place among
/// the few reports that there may be at a time; all else is in memory.
package struct Report: Sendable {
    /// The number of records.
    package let count: Int
    /// The files, in the order in which they are best sent.
    package let files: [File]
    /// Kept as long as the report is.
    var place: ReportSlots.Place?

    /// One file of a report.
    package struct File: Sendable {
        /// From the report's folder, with slashes.
        package let path: String
        /// The length in bytes.
        package let size: Int
        let content: Content

        enum Content: Sendable {
            case memory([UInt8])
            case disk(RecordsFile)
        }

        /// The bytes from `offset` on, `count` of them or what there is; throws if the disk fails.
        ///
        /// A read of a file that was written a moment ago: it comes from memory and does not block for long.
        package func read(at offset: Int, _ count: Int) throws -> [UInt8] {
            let count = min(count, size - offset)
            guard count > 0 else { return [] }
            switch content {
            case .memory(let bytes): return Array(bytes[offset..<offset + count])
            case .disk(let file): return try file.read(at: offset, count)
            }
        }
    }
}
