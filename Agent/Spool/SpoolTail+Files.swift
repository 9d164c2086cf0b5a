internal import AuditLog
internal import Bytes
internal import Errors
internal import Glibc
internal import ServiceKit

/// Files: where records are written, and how a failed write ends.
extension SpoolTail {
    /// Writes what waits; on an error nothing of it is in the file, and it waits on.
    mutating func flush(usesReserve: Bool) throws(SpoolError) {
        guard !buffer.isEmpty else { return }
        if let failure { throw failure }
        isBlocked = true
        do throws(SpoolError) {
            try mendEnd()
            let last = segments.count - 1
            if segments[last].bytes >= segmentBytes, rotate() { return try flush(usesReserve: usesReserve) }
            try writeBuffer(usesReserve: usesReserve)
        } catch {
            if writeError == nil { isNews = true }
            writeError = error
            errorAge = 0
            throw error
        }
        let last = segments.count - 1
        segments[last].end = next
        segments[last].bytes += buffer.count
        segments[last].denied += deniedWaiting
        bytes += buffer.count
        denied += deniedWaiting
        deniedWaiting = 0
        isDirty = true
        isBlocked = false
        buffer.removeAll()
        deservesReserve = false
        writeError = nil
    }

    private mutating func writeBuffer(usesReserve: Bool) throws(SpoolError) {
        var done = 0
        while done < buffer.count {
            let count = buffer.withBytes(from: done) { disk.write(file.number, $0) }
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                let error = errno
                let isFull = count < 0 && (error == ENOSPC || error == EDQUOT)
                if isFull {
                    room.isReserveUsed = true
                    if usesReserve, unlink(folder.path(SpoolReserve.name)) == 0 { continue }
                }
                // Half a line in the middle would be damage: the file must end where it ended.
                isTorn = done > 0
                let name = segments[segments.count - 1].name
                let failure = folder.failure("cannot be written", folder.path(name), error)
                try? mendEnd()
                throw isFull ? SpoolError(.full, failure.message, next: Self.full.next) : failure
            }
        }
    }

    /// Writes what waited for company.
    mutating func flush() throws(SpoolError) { try flush(usesReserve: deservesReserve) }

    /// Takes away what a failed write left behind the last record; until that works nothing is written.
    private mutating func mendEnd() throws(SpoolError) {
        guard isTorn else { return }
        let segment = segments[segments.count - 1]
        guard ftruncate(file.number, off_t(segment.bytes)) == 0 else {
            throw folder.failure("cannot be truncated", folder.path(segment.name))
        }
        isTorn = false
    }

    /// Begins a new segment; without room for one the old segment goes on.
    private mutating func rotate() -> Bool {
        let segment = SegmentFile(first: written, end: written, bytes: 0)
        guard let new = try? folder.open(segment.name, O_RDWR | O_APPEND | O_CREAT | O_EXCL) else { return false }
        retired.append(SegmentPart(segment: segments[segments.count - 1], file: file))
        file = OpenFile(new)
        segments.append(segment)
        isFolderDirty = true
        return true
    }

    /// Forgets segments, whose files are about to be removed.
    mutating func drop(_ count: Int) {
        bytes -= segments.prefix(count).reduce(0) { $0 + $1.bytes }
        denied -= segments.prefix(count).reduce(0) { $0 + $1.denied }
        segments.removeFirst(count)
    }

    /// One record as it will be in a file, without its line feed.
    mutating func layOut(_ body: RecordBody, number: UInt64, at time: RecordTime) -> [UInt8] {
        var bytes: [UInt8] = []
        writer.write(body, seq: number, at: time, to: &bytes)
        return bytes
    }

    /// Goes on in another segment, in place of all others, whose files are gone.
    mutating func replace(_ segment: SegmentFile, file: OpenFile) {
        retired = []
        self.file = file
        segments = [segment]
        bytes = segment.bytes
        denied = segment.denied
        next = segment.end
        epoch += 1
        isDirty = true
        isFolderDirty = true
    }

    /// What was written since the syncer last asked, durable or not.
    var parts: [SegmentPart] { retired + [SegmentPart(segment: segments[segments.count - 1], file: file)] }
}
