internal import Errors
internal import Glibc
internal import ServiceKit

/// Room on the disk that is set aside, so that what was begun can end when other programs have filled it.
struct SpoolReserve: Sendable {
    static let name = "reserve"

    let folder: SpoolFolder
    let disk: SpoolDisk
    let bytes: Int

    /// So much more has to be free than the reserve itself, or the next call would find the disk full again.
    private var margin: Int { min(bytes / 8, 1 << 20) }

    /// Sets the room aside, if it is not; returns why it is not all there with some more free, nil if it is.
    func restore() -> SpoolError? {
        let file: OpenFile
        do {
            file = OpenFile(try folder.open(Self.name, O_RDWR | O_CREAT))
        } catch {
            return error
        }
        let error = disk.allocate(file.number, bytes + margin)
        // What could be had of it stays set aside, and the margin is anybody's.
        var status = stat()
        guard fstat(file.number, &status) == 0,
            Int(status.st_size) <= bytes || ftruncate(file.number, off_t(bytes)) == 0
        else { return folder.failure("cannot be made", folder.path(Self.name)) }
        return error == 0 ? nil : missing(error)
    }

    private func missing(_ error: Int32) -> SpoolError {
        let why = String(cString: strerror(error))
        return SpoolError(
            .full,
            "\(folder.path(Self.name)) cannot be made: \(Self.size(bytes + margin)) must be free there so that calls can end, \(free)(\(why))",
            next: "Make room on the disk of \(folder.path), or raise its quota."
        )
    }

    /// What is free on the disk, as text that ends with a blank; empty where the system does not say.
    private var free: String {
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else { return "" }
        return "and \(Self.size(Int(status.f_bavail) * Int(status.f_frsize))) are "
    }

    private static func size(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
    }
}
