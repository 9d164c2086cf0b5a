/// What one machine may bring of records.
package struct UploadLimits: Sendable, Equatable {
    /// The bytes that are taken of a machine in a minute; as much at once after a rest.
    package let bytesPerMinute: Int
    /// The bytes that are stored of a machine, with what is written around its records.
    package let storedBytes: Int

    /// What the settings may be; the longest upload has to fit.
    package static let paces = (16 << 20)...(1 << 40)
    package static let quotas = (1 << 20)...(1 << 50)

    /// Far above a busy machine's records, some megabytes an hour, and far below the speed of a disk.
    package static let usual = UploadLimits(bytesPerMinute: 64 << 20, storedBytes: 20 << 30)

    /// Limits of these sizes.
    package init(bytesPerMinute: Int, storedBytes: Int) {
        self.bytesPerMinute = bytesPerMinute
        self.storedBytes = storedBytes
    }

    /// What is written around the records of an upload: two notes, a leaf, hashes, and their places in indexes.
    ///
    /// Counted with every upload, or uploads of one record each would cost nothing.
    static let around = 2048
}
