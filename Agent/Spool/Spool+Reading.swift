internal import AuditLog
package import Bytes
internal import Dispatch
internal import Errors
internal import ServiceKit
internal import Synchronization
package import TransparencyLog

/// Durable records as they are shipped, with the hashes of their leaves.
package struct SpoolBatch: Sendable {
    /// The number of the first.
    package let first: UInt64
    /// The exact bytes of the leaves, with a line feed behind each.
    package private(set) var lines: [UInt8]
    package let hashes: [Hash]

    /// The room that `lines` have for what is put before them.
    static let margin = 1024

    package var end: UInt64 { first + UInt64(hashes.count) }

    init(first: UInt64, lines: [UInt8], hashes: [Hash]) {
        self.first = first
        self.lines = lines
        self.hashes = hashes
    }

    /// Hands the lines out without a copy; none are left here.
    package mutating func takeLines() -> [UInt8] {
        defer { lines = [] }
        return lines
    }
}

extension Spool {
    /// Durable records from a number on: at most so many, and so many bytes of them, but one if there is one.
    ///
    /// - Parameters:
    ///   - first: The first number.
    ///   - count: The most records.
    ///   - bytes: The most bytes of them, with a line feed each.
    /// - Returns: None if none is durable yet.
    /// - Throws: `.gone` for records that were countersigned and removed; `.damaged` if one is not as it was written,
    ///   and then nothing is recorded any more.
    package func batch(from first: UInt64, atMost count: Int, bytes: Int = .max) async throws -> SpoolBatch {
        try await read(shipping) { [self] () throws(SpoolError) in
            let end = durable
            guard first < end else { return SpoolBatch(first: first, lines: [], hashes: []) }
            do throws(SpoolError) {
                return try read(shipping) { reader throws(SpoolError) in
                    let stretch = try reader.stretch(from: first, to: end, atMost: count, bytes: bytes)
                    let hashes = try hashes(of: stretch.bytes, first..<first + UInt64(stretch.count), reader)
                    return SpoolBatch(first: first, lines: stretch.bytes, hashes: hashes)
                }
            } catch {
                // What cannot be shipped holds up everything behind it, for ever.
                if error.kind == .damaged { core.fail(error) }
                throw error
            }
        }
    }

    /// As `batch`, without the hashes, for callers that only look: the upload does not wait for it.
    package func records(from first: UInt64, atMost count: Int, bytes: Int = .max) async throws -> [[UInt8]] {
        try await read(showing) { [self] () throws(SpoolError) in
            let end = durable
            guard first < end else { return [] }
            return try lines(from: first, to: end, atMost: count, bytes: bytes)
        }
    }

    /// Records from a number on, below another, durable or not.
    func records(from first: UInt64, before end: UInt64, atMost count: Int) async throws -> [[UInt8]] {
        try await read(showing) { [self] () throws(SpoolError) in
            try lines(from: first, to: end, atMost: count, bytes: .max)
        }
    }

    /// The last records, in order: also those that are not yet durable.
    package func tail(_ count: Int) async throws -> [[UInt8]] {
        try await read(showing) { [self] () throws(SpoolError) in
            var (reader, _) = reader()
            let wanted = reader.end - min(reader.end, UInt64(max(count, 0)))
            let first = max(wanted, reader.segments.first?.first ?? 0)
            return try reader.lines(from: first, to: reader.end, atMost: count, bytes: .max).map(\.bytes)
        }
    }

    /// The records of a call that are still here, in order.
    package func find(call: RandomID) async throws -> [[UInt8]] {
        try await read(showing) { [self] () throws(SpoolError) in
            var (reader, _) = reader()
            return try reader.find(call)
        }
    }

    /// Waits until a record with at least this number is durable; throws the error with which the spool failed.
    package func wait(for number: UInt64) async throws {
        let (news, signal) = AsyncStream.makeStream(of: SpoolEvent.self, bufferingPolicy: .bufferingNewest(1))
        let observation = observe { signal.yield($0) }
        defer { observation.cancel() }
        if durable > number { return }
        if let failure { throw failure }
        for await each in news {
            if each.durable > number { return }
            if let failure = each.failure { throw failure }
        }
        throw CancellationError()
    }

    /// Records from a number on, several at a time as they become durable; ends by throwing when the spool closes.
    package func follow(from first: UInt64) -> AsyncThrowingStream<[[UInt8]], any Error> {
        let position = Position(first)
        return AsyncThrowingStream { [self] in
            let first = position.next.withLock { $0 }
            try await wait(for: first)
            let records = try await records(from: first, atMost: 256)
            position.next.withLock { $0 = first + UInt64(records.count) }
            return records
        }
    }

    private final class Position: Sendable {
        let next: Mutex<UInt64>

        init(_ next: UInt64) {
            self.next = Mutex(next)
        }
    }

    private func read<Value: Sendable>(
        _ desk: ReadingDesk,
        _ body: @escaping @Sendable () throws(SpoolError) -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            desk.queue.async {
                do throws(SpoolError) {
                    continuation.resume(returning: try body())
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    private func lines(
        from first: UInt64,
        to end: UInt64,
        atMost count: Int,
        bytes: Int
    ) throws(SpoolError) -> [[UInt8]] {
        try read(showing) { reader throws(SpoolError) in
            try reader.lines(from: first, to: end, atMost: count, bytes: bytes).map(\.bytes)
        }
    }

    /// Lends a reader, which mostly goes on where the last one of the desk ended.
    private func read<Value>(
        _ desk: ReadingDesk,
        _ body: (inout SpoolReader) throws(SpoolError) -> Value
    ) throws(SpoolError) -> Value {
        // Taken out, so that there is no second reference, which would mean a copy.
        var kept = desk.kept.withLock { kept in
            defer { kept = ReadingDesk.Kept() }
            return kept
        }
        var (reader, epoch) = reader(kept)
        swap(&reader.room, &kept.room)
        defer {
            // Who looks comes back seldom, and a file that is held takes room when it is gone.
            let isKept = desk === shipping
            kept = ReadingDesk.Kept(cursor: reader.cursor, file: isKept ? reader.source : nil, epoch: epoch)
            if isKept { swap(&reader.room, &kept.room) }
            desk.kept.withLock { $0 = kept }
        }
        return try body(&reader)
    }

    private func reader(_ kept: ReadingDesk.Kept? = nil) -> (SpoolReader, epoch: Int) {
        let (segments, epoch) = core.tail.withLock { tail in
            // Records that wait for the next write are part of the log too.
            try? tail.flush()
            return (tail.segments, tail.epoch)
        }
        let isSame = kept?.epoch == epoch
        let reader = SpoolReader(
            folder: core.folder,
            segments: segments,
            at: isSame ? kept?.cursor : nil,
            in: isSame ? kept?.file : nil
        )
        return (reader, epoch)
    }

    /// Hashes that were computed just now are taken as they are; of older records the bytes are hashed again, and must
    /// be what was written.
    private func hashes(
        of stretch: [UInt8],
        _ numbers: Range<UInt64>,
        _ reader: SpoolReader
    ) throws(SpoolError) -> [Hash] {
        let fresh = core.leaves.withLock { $0.newest(of: numbers) }
        let old = numbers.count - fresh.count
        guard old > 0 else { return fresh }
        let known = try reader.hashes(from: numbers.lowerBound, to: numbers.lowerBound + UInt64(old))
        var hashes: [Hash] = []
        hashes.reserveCapacity(numbers.count)
        var isSame = true
        stretch.withUnsafeBufferPointer { stretch in
            RecordLines.each(stretch) { line in
                guard hashes.count < old else { return false }
                let hash = Hash.leaf(line)
                isSame = hashes.count >= known.count || known[hashes.count] == hash
                if isSame { hashes.append(hash) }
                return isSame
            }
        }
        guard isSame else {
            let place = reader.place(of: numbers.lowerBound + UInt64(hashes.count))
            throw SpoolRecovery.damage(place, "is not what was written")
        }
        return hashes + fresh
    }
}
