internal import Glibc
internal import TransparencyLog

/// Goes on behind a larger countersigned log, after the folder went back in time.
///
/// The coordinator has more records of this agent than the agent itself. What the agent has written since, it can write
/// again under the numbers that follow: nothing of it was signed yet. The new file is made whole beside the old ones,
/// then the state says so, then the old ones go; a crash in between is finished by the next start.
enum SpoolContinuation {
    private static let part = "continued.part"

    /// Makes what was prepared, so many records in so many bytes, the log from the state's size on, with the calls that
    /// are open; returns its segment.
    static func carryOut(
        _ records: Int,
        _ bytes: Int,
        _ state: SpoolState,
        _ open: OpenCalls,
        in folder: SpoolFolder
    ) throws(SpoolError) -> SegmentFile {
        let first = state.countersigned.size
        try state.save(folder)
        try finish(state, in: folder)
        var open = open
        open.first = first
        open.denied = [:]
        try open.save(folder)
        return SegmentFile(first: first, end: first + UInt64(records), bytes: bytes)
    }

    /// Writes the records beside the old ones, which changes nothing yet; returns how many bytes they have.
    static func prepare(_ records: [[UInt8]], in folder: SpoolFolder) throws(SpoolError) -> Int {
        let file = try folder.open(part, O_WRONLY | O_CREAT | O_TRUNC)
        defer { close(file) }
        let bytes = Array(records.joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
        if let error = folder.write(bytes, to: file, name: part) { throw error }
        guard fsync(file) == 0 else { throw folder.failure("cannot be written", folder.path(part)) }
        return bytes.count
    }

    /// Puts the new file in the place of the old ones; `state` says already that this is to be done.
    static func finish(_ state: SpoolState, in folder: SpoolFolder) throws(SpoolError) {
        let size = state.countersigned.size
        let segment = SegmentFile(first: size, end: size, bytes: 0)
        if try folder.size(part) != nil { try folder.rename(part, to: segment.name) }
        guard try folder.size(segment.name) != nil else {
            throw SpoolRecovery.damage(folder.path(segment.name), "is missing")
        }
        for name in try folder.names()
        where name.hasSuffix(SegmentFile.suffix) || name.hasSuffix(SegmentFile.hashSuffix) {
            if name != segment.name { try folder.remove(name) }
        }
        try folder.sync()
        var done = state
        done.isContinuing = false
        try done.save(folder)
    }
}
