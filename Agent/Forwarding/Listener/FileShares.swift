internal import ServiceKit

/// How the files that this process may have open are shared out, so that neither clients nor servers can take those that
/// the spool, the keyring, the membership and the coordinator need.
struct FileShares: Equatable {
    /// Connections of clients.
    let clients: Int
    /// Connections to servers, those that are being made and those that rest included.
    let servers: Int
    /// Look-ups of names at a time, which come out of what is kept free: each takes a file or two.
    let lookUps: Int

    /// The shares of so many files.
    init(files: Int = OpenFileLimit.current) {
        let free = min(512, max(64, files / 8))
        clients = max(8, (files - free) / 2)
        servers = max(8, (files - free) / 2)
        lookUps = min(64, max(4, free / 4))
    }
}
