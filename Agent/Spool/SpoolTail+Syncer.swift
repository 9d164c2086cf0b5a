internal import Bytes
internal import Errors
internal import ServiceKit

/// What the syncer's thread does with the tail.
extension SpoolTail {
    /// What the syncer does at the moment.
    enum Syncer: Sendable {
        case works
        /// It sleeps until it is called.
        case rests
        /// It looks by itself at this time of the machine's own clock, in microseconds; and whether for a denial.
        case looks(at: Int64, isUrgent: Bool)
    }

    /// A syncer that is so late is called all the same.
    private static let grace: Int64 = 100_000

    /// Whether the syncer has to be called now: once for each of its sleeps.
    mutating func callsSyncer(at time: RecordTime) -> Bool {
        let isCalled =
            switch syncer {
            case .works: false
            case .rests: true
            case .looks(let at, let isUrgent): hasUrgent && !isUrgent || time.mono > at + Self.grace
            }
        if isCalled { syncer = .works }
        return isCalled
    }

    /// What the syncer does outside of the mutex.
    struct Work: Sendable {
        /// The segments that hold what is new; all but the last were left behind.
        let parts: [SegmentPart]
        let isFolderDirty: Bool
    }

    /// Writes the records that waited long enough and returns the files to make durable; nil without any.
    mutating func takeWork() -> Work? {
        // An error stays with the records, which wait on; a failed spool has nothing to write.
        try? flush()
        guard isDirty || !retired.isEmpty else { return nil }
        defer {
            retired = []
            isDirty = false
            isUrgent = false
            isFolderDirty = false
        }
        return Work(parts: parts, isFolderDirty: isFolderDirty)
    }

    /// Whether there is something to do for the syncer in the next moments.
    var isBusy: Bool { isDirty || !buffer.isEmpty || !retired.isEmpty }

    /// Whether a denial waits to be made durable.
    var hasUrgent: Bool { isUrgent && isDirty }

    mutating func restoredReserve() {
        room.isReserveUsed = false
        reserveError = nil
        if buffer.isEmpty, writeError?.kind == .full { writeError = nil }
    }

    /// Forgets an error that no write has met again: called about every second.
    mutating func ageError() {
        guard buffer.isEmpty else { return }
        errorAge += 1
        if errorAge > 3 { writeError = nil }
    }

    mutating func lostReserve(_ error: SpoolError) {
        room.isReserveUsed = true
        reserveError = error
    }
}
