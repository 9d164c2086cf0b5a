internal import AuditLog
internal import Bytes
internal import Errors
internal import Glibc
internal import ServiceKit

/// The end of the spool, where records are written; guarded by the spool's mutex.
///
/// Records are laid out in one buffer and go to the file in one write(2). Nothing here waits for a disk.
struct SpoolTail: ~Copyable, Sendable {
    let folder: SpoolFolder
    let disk: SpoolDisk
    let segmentBytes: Int
    var writer: RecordWriter

    // The segments on disk.
    var segments: [SegmentFile]
    /// Changes when other files take the place of all of them.
    var epoch = 0
    var file: OpenFile
    /// Segments that were left behind by a new one and are not yet known to be durable.
    var retired: [SegmentPart] = []
    var bytes: Int
    /// How much of it are refusals.
    var denied: Int
    /// Whether the last segment ends with half a line.
    var isTorn = false

    // What waits for the next write.
    var buffer = SpoolBuffer()
    /// Whether something waits that may use the reserve.
    ///
    /// That there is pressure may not: it would take the room from the ends of calls for which it was set aside, in the
    /// moment in which they come to need it.
    var deservesReserve = false
    /// How much of the buffer are refusals.
    var deniedWaiting = 0
    /// The number of the next record.
    var next: UInt64
    /// Calls that have begun and not ended.
    var openCalls: Int
    let mostOpenCalls: Int

    var room: SpoolQuota
    /// Set once nothing is taken any more, and why.
    var failure: SpoolError?
    /// Whether it has begun that nothing is recorded, for now or for good, and this has not been told yet.
    var isNews = false
    /// Why the last write did not work; nil once one did, or when nothing was written for some time.
    var writeError: SpoolError?
    /// For how many looks of the syncer nothing was written since.
    var errorAge = 0
    /// Why the reserve is not all there.
    var reserveError: SpoolError?
    /// Whether a denial waits, which is shipped at once.
    var isUrgent = false
    /// What the syncer does.
    var syncer = Syncer.rests
    /// Whether the last write failed.
    var isBlocked = false
    /// Whether the file holds more than was made durable.
    var isDirty = false
    /// Whether segments came or went since the folder was made durable.
    var isFolderDirty = true

    /// From this size on what waits is written, even if more is about to come.
    static let fullBuffer = 256 << 10
    /// The most bytes that wait for a disk which takes nothing at all, and with what has happened among them.
    static let longestBuffer = (begun: 1 << 20, happened: 64 << 20)

    init(
        folder: SpoolFolder,
        disk: SpoolDisk,
        configuration: SpoolConfiguration,
        writer: RecordWriter,
        segments: [SegmentFile],
        file: OpenFile,
        openCalls: Int
    ) {
        self.folder = folder
        self.disk = disk
        self.writer = writer
        self.segments = segments
        self.file = file
        segmentBytes = configuration.segmentBytes
        room = SpoolQuota(configuration)
        self.openCalls = openCalls
        mostOpenCalls = configuration.mostOpenCalls
        bytes = segments.reduce(0) { $0 + $1.bytes }
        denied = segments.reduce(0) { $0 + $1.denied }
        next = segments.last?.end ?? 0
        isDirty = true
    }

    /// Behind the last record in a file.
    var written: UInt64 { segments.last?.end ?? 0 }

    // MARK: Records

    /// Records now, with everything that waits before it; throws if it is not in the file, and then it has no number.
    mutating func record(_ body: RecordBody, at time: RecordTime) throws(SpoolError) {
        let weight = SpoolQuota.weight(body)
        let length = try append(body, weight, at: time)
        do {
            try flush(usesReserve: weight == .needed)
        } catch {
            take(body, length, -1)
            if error.kind == .full { reportPressure(at: time) }
            throw error
        }
        if case .callDeny = body { isUrgent = true }
    }

    /// Lays a record out for the next write.
    mutating func layOut(_ body: RecordBody, at time: RecordTime) throws(SpoolError) {
        // Records of refusals must not pile up before those of calls.
        if isBlocked || buffer.count >= Self.fullBuffer { try write(at: time) }
        _ = try append(body, SpoolQuota.weight(body), at: time)
    }

    /// Writes the records that wait; those that could not be written wait on.
    mutating func write(at time: RecordTime) throws(SpoolError) {
        do {
            try flush()
        } catch {
            if error.kind == .full { reportPressure(at: time) }
            throw error
        }
    }

    /// Records with the next write; what does not fit is lost only once the spool has failed, which it then says.
    mutating func recordSoon(_ body: RecordBody, at time: RecordTime) {
        if !isBlocked, buffer.count >= Self.fullBuffer { try? flush() }
        let weight = SpoolQuota.weight(body)
        do {
            _ = try append(body, weight, at: time)
            if weight == .needed { deservesReserve = true }
        } catch {
            if weight == .needed { fail(error) }
        }
    }

    /// Lays a record out; returns its length.
    private mutating func append(_ body: RecordBody, _ weight: SpoolQuota.Weight, at time: RecordTime)
        throws(SpoolError)
        -> Int
    {
        if let failure { throw failure }
        let length = buffer.appendLine(ofAtMost: RecordWriter.maxBytes) { line in
            writer.write(body, seq: next, at: time, to: &line)
        }
        let longest = weight == .needed ? Self.longestBuffer.happened : Self.longestBuffer.begun
        guard room.admits(buffer.count, weight, held: bytes), buffer.count <= longest else {
            buffer.removeLast(length)
            reportPressure(at: time)
            throw Self.full
        }
        if weight == .denial, denied + deniedWaiting + length > room.deniedBytes {
            buffer.removeLast(length)
            throw Self.denialsFull
        }
        if case .callBegin = body, openCalls >= mostOpenCalls {
            buffer.removeLast(length)
            throw Self.callsOpen
        }
        take(body, length, 1)
        return length
    }

    /// Counts a record that was laid out, or takes the last one back.
    private mutating func take(_ body: RecordBody, _ length: Int, _ sign: Int) {
        if sign < 0 {
            buffer.removeLast(length)
            next -= 1
        } else {
            next += 1
        }
        switch body {
        case .callBegin: openCalls += sign
        case .callEnd: openCalls -= sign
        case .callDeny: deniedWaiting += sign * length
        default: break
        }
    }

    private mutating func reportPressure(at time: RecordTime) {
        guard room.press() else { return }
        isNews = true
        recordSoon(.spoolPressure(isOn: true, bytes: bytes), at: time)
    }

    /// Looks whether there is room again, after files went or the reserve came back.
    mutating func relieve(at time: RecordTime) {
        guard failure == nil, room.relieve(held: bytes) else { return }
        recordSoon(.spoolPressure(isOn: false, bytes: bytes), at: time)
    }
}
