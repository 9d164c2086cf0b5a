internal import Errors
internal import ServiceKit

/// Why nothing is taken, for now or for good.
extension SpoolTail {
    mutating func fail(_ error: SpoolError) {
        guard failure == nil else { return }
        failure = error
        isNews = true
    }

    /// Why nothing can be recorded, for now or for good; nil while all is well.
    var problem: SpoolError? {
        if let failure { return failure }
        if let writeError { return writeError }
        if room.isReserveUsed { return reserveError ?? Self.full }
        return room.isPressed ? atLimit : nil
    }

    /// The same for the one who tells of it, who need not be called for it any more.
    mutating func takeNews() -> SpoolError? {
        isNews = false
        return problem
    }

    private var atLimit: SpoolError {
        SpoolError(
            .full,
            "\(folder.path) holds the \(room.maxBytes >> 20) MiB of records that it may: they wait for the coordinator",
            next: "doorward status"
        )
    }

    static let full = SpoolError(
        .full,
        "the spool is full: records wait for the coordinator or for room on the disk",
        next: "doorward status"
    )

    static let denialsFull = SpoolError(
        .denialsFull,
        "refused calls have used their share of the spool: records of them wait for the coordinator",
        next: "doorward status"
    )

    static let callsOpen = SpoolError(
        .callsOpen,
        "so many calls wait for their servers that no more may begin",
        next: "doorward servers"
    )
}
