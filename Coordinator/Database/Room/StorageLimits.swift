internal import Glibc

/// The room that is kept free, and the room that is held in reserve.
package struct StorageLimits: Sendable {
    /// With fewer bytes free on the file system no records are taken.
    package let keepFree: Int
    /// What the database holds of its own pages, to live on when the file system is full; whole MiB.
    package let held: Int
    /// What its journal has allocated at least.
    package let journal: Int
    /// The free bytes of the file system; nil where it does not say.
    let free: @Sendable () -> Int?

    /// How many bytes may be kept free.
    package static let range = (24 << 20)...(1 << 50)

    /// Limits for a data folder.
    ///
    /// - Parameters:
    ///   - folder: the data folder.
    ///   - keepFree: what is to stay free; by default a twentieth of the file system, 24 MiB to 1 GiB. An upload and
    ///     what is written around it take up to 20 MiB at once, so less would be no bound.
    package init(folder: String, keepFree: Int? = nil) {
        let size = Self.space(of: folder)?.size ?? 0
        self.init(
            keepFree: keepFree ?? min(max(size / 20, 24 << 20), 1 << 30),
            held: (min(max(size / 32, 4 << 20), 16 << 20) >> 20) << 20,
            journal: min(max(size / 16, 8 << 20), 32 << 20),
            free: { Self.space(of: folder)?.free }
        )
    }

    /// Limits of these sizes; `free` is asked before each commit.
    init(keepFree: Int, held: Int, journal: Int, free: @escaping @Sendable () -> Int?) {
        self.keepFree = keepFree
        self.held = held
        self.journal = journal
        self.free = free
    }

    private static func space(of folder: String) -> (size: Int, free: Int)? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let block = Int(clamping: status.f_frsize)
        let size = Int(clamping: status.f_blocks).multipliedReportingOverflow(by: block)
        let free = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: block)
        guard !size.overflow, !free.overflow else { return nil }
        return (size.partialValue, free.partialValue)
    }
}
