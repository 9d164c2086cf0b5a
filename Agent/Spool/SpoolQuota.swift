internal import AuditLog

/// Decides what still fits: up to `maxBytes` everything, from there on or on a full disk only what must not be lost.
struct SpoolQuota: Sendable {
    /// What becomes of a record for which there is no room.
    enum Weight {
        /// It begins something, which is refused.
        case refusable
        /// It says that something was refused: only a share of the room is for these.
        case denial
        /// It says that there is pressure, which is so without it.
        case notice
        /// It says what has happened: without it nothing more is recorded.
        case needed
    }

    let maxBytes: Int
    let deniedBytes: Int
    let reserveBytes: Int
    /// Whether the reserve is not there in full: the disk said no.
    var isReserveUsed = false
    /// Whether something was refused, and nothing since says that it would fit again.
    private(set) var isPressed = false

    init(_ configuration: SpoolConfiguration) {
        maxBytes = configuration.maxBytes
        deniedBytes = configuration.deniedBytes
        reserveBytes = configuration.reserveBytes
    }

    static func weight(_ body: RecordBody) -> Weight {
        switch body {
        case .callBegin, .agentHeartbeat: .refusable
        case .callDeny: .denial
        case .spoolPressure: .notice
        default: .needed
        }
    }

    /// Whether a spool of `held` bytes may take so many more.
    func admits(_ bytes: Int, _ weight: Weight, held: Int) -> Bool {
        switch weight {
        case .refusable, .denial: !isReserveUsed && held + bytes <= maxBytes
        case .notice, .needed: held + bytes <= maxBytes + reserveBytes
        }
    }

    /// Something was refused; returns whether that is news.
    mutating func press() -> Bool {
        defer { isPressed = true }
        return !isPressed
    }

    /// Looks whether there is room again; returns whether that is news.
    ///
    /// A tenth must be free: a spool at its limit would otherwise report the same pressure with every call.
    mutating func relieve(held: Int) -> Bool {
        guard isPressed, !isReserveUsed, held <= maxBytes - maxBytes / 10 else { return false }
        isPressed = false
        return true
    }
}
