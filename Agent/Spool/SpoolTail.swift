internal import AuditLog
internal import Glibc
internal import ServiceKit

/// The end of the spool, where records are written; guarded by the spool's mutex.
///
/// Records are laid out in one buffer and go to the file in one write(2). Nothing here waits for a disk.
struct SpoolTail: ~Copyable, Sendable {
    let folder: SpoolFolder
    private let disk: SpoolDisk
    private let segmentBytes: Int
    private var writer: RecordWriter

    // What stands in files.
    private(set) var segments: [SegmentFile]
    private var file: Int32
    /// Files that were left behind by a new segment and are not yet known to be durable; the syncer closes them.
    private var retired: [Int32] = []
    private(set) var bytes: Int

    // What waits for the next write.
    private var buffer = SpoolBuffer()
    /// Whether something waits that may use the reserve.
    ///
    /// That there is pressure may not: it would take the room from the ends of calls for which it was set aside, in the
    /// moment in which they come to need it.
    private var deservesReserve = false
    /// The number of the next record.
    private(set) var next: UInt64

    private(set) var room: SpoolRoom
    /// Set once nothing is taken any more, and why.
    private(set) var failure: SpoolError?
    /// Whether nobody has been told of the failure yet.
    private(set) var isFailureNews = false
    /// Whether a denial waits, which is shipped at once.
    private var isUrgent = false
    /// Whether the syncer sleeps until it is called.
    var isSyncerIdle = true
    /// Whether the last write failed.
    private var isBlocked = false
    /// Whether the file holds more than was made durable.
    private var isDirty = false
    /// Whether segments came or went since the folder was made durable.
    private var isFolderDirty = true

    /// From here on what waits is written, whoever else may come.
    private static let fullBuffer = 256 << 10
    /// The most bytes that wait for a disk which takes nothing at all.
    private static let longestBuffer = 1 << 20

    init(
        folder: SpoolFolder,
        disk: SpoolDisk,
        configuration: SpoolConfiguration,
        writer: RecordWriter,
        segments: [SegmentFile],
        file: Int32
    ) {
        self.folder = folder
        self.disk = disk
        self.writer = writer
        self.segments = segments
        self.file = file
        segmentBytes = configuration.segmentBytes
        room = SpoolRoom(configuration)
        bytes = segments.reduce(0) { $0 + $1.bytes }
        next = segments.last?.end ?? 0
        isDirty = true
    }

    deinit {
        close(file)
        for each in retired { close(each) }
    }

    /// Behind the last record that stands in a file.
    var written: UInt64 { segments.last?.end ?? 0 }

    // MARK: Records

    /// Records now, with everything that waits before it; throws if it is not in the file, and then it has no number.
    mutating func record(_ body: RecordBody, at time: RecordTime) throws(SpoolError) {
        let weight = SpoolRoom.weight(body)
        let length = try append(body, weight, at: time)
        do {
            try flush(usesReserve: weight == .needed)
        } catch {
            buffer.removeLast(length)
            next -= 1
            if error.kind == .full { reportPressure(at: time) }
            throw error
        }
        if case .callDeny = body { isUrgent = true }
    }

    /// Lays a record out for the next write.
    mutating func layOut(_ body: RecordBody, at time: RecordTime) throws(SpoolError) {
        // What is refused must not pile up before what has happened.
        if isBlocked || buffer.count >= Self.fullBuffer { try write(at: time) }
        _ = try append(body, SpoolRoom.weight(body), at: time)
    }

    /// Writes what waits; what could not be written waits on.
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
        let weight = SpoolRoom.weight(body)
        do {
            _ = try append(body, weight, at: time)
            if weight == .needed { deservesReserve = true }
        } catch {
            if weight == .needed { fail(error) }
        }
    }

    /// Lays a record out; returns its length.
    private mutating func append(_ body: RecordBody, _ weight: SpoolRoom.Weight, at time: RecordTime) throws(SpoolError)
        -> Int
    {
        if let failure { throw failure }
        let length = buffer.appendLine(ofAtMost: RecordWriter.maxBytes) { line in
            writer.write(body, seq: next, at: time, to: &line)
        }
        guard room.admits(buffer.count, weight, held: bytes), buffer.count <= Self.longestBuffer else {
            buffer.removeLast(length)
            reportPressure(at: time)
            throw Self.full
        }
        next += 1
        return length
    }

    private mutating func reportPressure(at time: RecordTime) {
        guard room.press() else { return }
        recordSoon(.spoolPressure(isOn: true, bytes: bytes), at: time)
    }

    /// Looks whether there is room again, after files went or the reserve came back.
    mutating func relieve(at time: RecordTime) {
        guard failure == nil, room.relieve(held: bytes) else { return }
        recordSoon(.spoolPressure(isOn: false, bytes: bytes), at: time)
    }

    mutating func fail(_ error: SpoolError) {
        guard failure == nil else { return }
        failure = error
        isFailureNews = true
    }

    /// The failure, for the one who tells of it.
    mutating func takeFailureNews() -> SpoolError? {
        defer { isFailureNews = false }
        return isFailureNews ? failure : nil
    }

    private static let full = SpoolError(
        .full,
        "the spool is full: records wait for the coordinator or for room on the disk",
        next: "doorward status"
    )

    // MARK: Files

    /// Writes what waits; on an error nothing of it stands in the file, and it waits on.
    private mutating func flush(usesReserve: Bool) throws(SpoolError) {
        guard !buffer.isEmpty else { return }
        if let failure { throw failure }
        isBlocked = true
        let last = segments.count - 1
        if segments[last].bytes >= segmentBytes, rotate() { return try flush(usesReserve: usesReserve) }
        var done = 0
        while done < buffer.count {
            let count = buffer.withBytes(from: done) { disk.write(file, $0) }
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                let error = errno
                let isFull = count < 0 && (error == ENOSPC || error == EDQUOT)
                if isFull {
                    room.isReserveUsed = true
                    if usesReserve, unlink(folder.path(SpoolReserve.name)) == 0 { continue }
                }
                try takeBack(done)
                throw isFull ? Self.full : folder.failure("cannot be written", folder.path(segments[last].name), error)
            }
        }
        segments[last].end = next
        segments[last].bytes += done
        bytes += done
        isDirty = true
        isBlocked = false
        buffer.removeAll()
        deservesReserve = false
    }

    /// Writes what waited for company.
    mutating func flush() throws(SpoolError) { try flush(usesReserve: deservesReserve) }

    /// Half a line in the middle would be damage: the file must end where it ended.
    private mutating func takeBack(_ done: Int) throws(SpoolError) {
        let segment = segments[segments.count - 1]
        guard done > 0 else { return }
        guard ftruncate(file, off_t(segment.bytes)) == 0 else {
            fail(folder.failure("cannot be truncated", folder.path(segment.name)))
            throw failure ?? Self.full
        }
    }

    /// Begins a new segment; without room for one the old segment goes on.
    private mutating func rotate() -> Bool {
        let segment = SegmentFile(first: written, end: written, bytes: 0)
        guard let new = try? folder.open(segment.name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL) else { return false }
        retired.append(file)
        file = new
        segments.append(segment)
        isFolderDirty = true
        return true
    }

    /// Forgets segments, whose files are about to be removed.
    mutating func drop(_ count: Int) {
        bytes -= segments.prefix(count).reduce(0) { $0 + $1.bytes }
        segments.removeFirst(count)
    }

    /// One record as it will stand in a file, without its line feed.
    mutating func layOut(_ body: RecordBody, number: UInt64, at time: RecordTime) -> [UInt8] {
        var bytes: [UInt8] = []
        writer.write(body, seq: number, at: time, to: &bytes)
        return bytes
    }

    /// Goes on in another segment, in place of all others.
    mutating func replace(_ segment: SegmentFile, file: Int32) {
        retired.append(self.file)
        self.file = file
        segments = [segment]
        bytes = segment.bytes
        next = segment.end
        isDirty = true
        isFolderDirty = true
    }
}

// MARK: - The syncer's view

extension SpoolTail {
    /// What the syncer does outside of the mutex.
    struct Work: Sendable {
        /// Left-behind files, to be made durable and closed.
        let retired: [Int32]
        let file: Int32
        /// The segments that hold what is new.
        let segments: [SegmentFile]
        let isUrgent: Bool
        let isFolderDirty: Bool
    }

    /// Writes what waited long enough and says what is to be made durable; nil if there is nothing.
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
        return Work(
            retired: retired,
            file: file,
            segments: Array(segments.suffix(retired.count + 1)),
            isUrgent: isUrgent,
            isFolderDirty: isFolderDirty
        )
    }

    /// Whether there is something to do for the syncer in the next moments.
    var isBusy: Bool { isDirty || !buffer.isEmpty || !retired.isEmpty }

    /// Whether a denial waits to be made durable.
    var hasUrgent: Bool { isUrgent && isDirty }

    mutating func restoredReserve() { room.isReserveUsed = false }
    mutating func lostReserve() { room.isReserveUsed = true }
}
