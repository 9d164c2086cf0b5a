import Glibc

/// Room on the disk that is set aside, so that what was begun can end when everybody else has filled it.
struct SpoolReserve: Sendable {
    static let name = "reserve"

    let folder: SpoolFolder
    let disk: SpoolDisk
    let bytes: Int

    /// So much more has to be free than the reserve itself, or the next call would find the disk full again.
    private var margin: Int { min(bytes / 8, 1 << 20) }

    /// Sets the room aside, if it is not; returns whether it is all there, and some more is free.
    func restore() -> Bool {
        guard let file = try? folder.open(Self.name, O_RDWR | O_CREAT) else { return false }
        defer { close(file) }
        let isThere = disk.allocate(file, bytes + margin) == 0
        // What could be had of it stays set aside, and the margin is anybody's.
        var status = stat()
        guard fstat(file, &status) == 0, Int(status.st_size) <= bytes || ftruncate(file, off_t(bytes)) == 0 else {
            return false
        }
        return isThere
    }
}
