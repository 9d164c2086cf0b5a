internal import AuditLog
internal import Errors
internal import Glibc
internal import ServiceKit
internal import Synchronization
package import TransparencyLog

extension Spool {
    /// The right edge of the tree of what the coordinator has countersigned.
    package var frontier: MerkleFrontier { progress.withLock { $0.countersigned } }

    /// The coordinator has countersigned the tree with this right edge: durable on return, and old files may go.
    ///
    /// - Parameter frontier: Of the countersigned tree. A smaller one than before is taken too, for a coordinator that
    ///   has lost what it had, as long as the records behind it are still here.
    /// - Throws: `.gone` for records that are not here any more, or not yet.
    package func countersigned(_ frontier: MerkleFrontier) async throws {
        try await change { [self] follower throws(SpoolError) in
            let first = core.tail.withLock { $0.segments.first?.first ?? 0 }
            guard frontier.size >= first, frontier.size <= follower.next else {
                throw SpoolError(.gone, "the records up to \(frontier.size) are not here")
            }
            let state = SpoolState(countersigned: frontier)
            guard state != progress.withLock({ $0 }) else { return }
            try state.save(core.folder)
            progress.withLock { $0 = state }
            countersignings.notify()
            try removeOld(&follower)
        }
    }

    /// Has a record in the file made durable and shipped at once, and waits until the coordinator has countersigned it.
    ///
    /// - Parameters:
    ///   - number: Of the record.
    ///   - time: The most that it may take.
    /// - Returns: Whether it was in time. False too where the log went back meanwhile, and its records have other numbers.
    package func isCountersigned(_ number: UInt64, within time: Duration) async -> Bool {
        let epoch = core.tail.withLock { $0.epoch }
        hurry(number)
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline, !Task.isCancelled {
            let version = countersignings.version
            guard core.tail.withLock({ $0.epoch }) == epoch else { return false }
            if progress.withLock({ $0.countersigned.size }) > number { return true }
            await countersignings.wait(after: version, atMost: deadline - .now)
        }
        return false
    }

    /// Has a record in the file made durable and shipped without a wait for more.
    private func hurry(_ number: UInt64) {
        core.awaited.withLock { $0 = max($0, number + 1) }
        let time = core.clock.recordTime
        let isCalled = core.tail.withLock { tail in
            if tail.isDirty { tail.isUrgent = true }
            return tail.callsSyncer(at: time)
        }
        if isCalled { core.wake() }
        // What is durable already was told without haste; what is not yet is told when it is.
        _ = core.submit { [core] _ in
            let durable = core.leaves.withLock { $0.end }
            if durable > number { core.publish(SpoolEvent(durable: durable, isUrgent: true, failure: nil)) }
        }
    }

    /// Goes on behind a countersigned log that this one does not continue, because the folder went back in time.
    ///
    /// A record `agent.rollback` says so; what was recorded here and not countersigned follows it again under new
    /// numbers, with the same salts and calls: some of it may be in the larger log already, nothing is lost. Records
    /// wait meanwhile.
    ///
    /// - Parameter frontier: Of that log's tree, which the caller has verified.
    /// - Throws: `.gone` if it is not larger than what is countersigned here; whatever else goes wrong, nothing is recorded any more until the next start.
    package func goOn(behind frontier: MerkleFrontier) async throws {
        try await change { [self] follower throws(SpoolError) in
            var hasBegun = false
            do throws(SpoolError) {
                try core.tail.withLock { tail throws(SpoolError) in
                    try goOn(behind: frontier, &tail, &follower, &hasBegun)
                }
            } catch {
                // Half done: the next start finishes it, and until then nothing may be written to the old files.
                if hasBegun { core.fail(error) }
                throw error
            }
            progress.withLock { $0 = SpoolState(countersigned: frontier) }
            countersignings.notify()
            core.leaves.withLock { $0.reset(segment: follower.segment, end: follower.next) }
            core.wake()
        }
    }

    private func goOn(
        behind frontier: MerkleFrontier,
        _ tail: inout SpoolTail,
        _ follower: inout LeafHasher,
        _ hasBegun: inout Bool
    ) throws(SpoolError) {
        try tail.flush()
        let known = progress.withLock { $0.countersigned.size }
        guard frontier.size > known else {
            throw SpoolError(.gone, "the log of \(frontier.size) records has nothing that this one does not have")
        }
        follower.take(tail.parts)
        try follower.finish()
        var reader = SpoolReader(folder: core.folder, segments: tail.segments)
        let lines = try reader.lines(from: known, to: tail.written, atMost: .max, bytes: .max)
        let rollback = RecordBody.agentRollback(known: tail.written, countersigned: frontier.size)
        var records = [tail.layOut(rollback, number: frontier.size, at: core.clock.recordTime)]
        for line in lines {
            guard let record = RecordLine.renumbered(line.bytes, frontier.size + UInt64(records.count)) else {
                throw SpoolRecovery.damage(reader.place(of: line.number), "is no record")
            }
            records.append(record)
        }
        let state = SpoolState(countersigned: frontier, isContinuing: true)
        let bytes = try SpoolContinuation.prepare(records, in: core.folder)
        hasBegun = true
        var segment = try SpoolContinuation.carryOut(records.count, bytes, state, follower.open, in: core.folder)
        segment.denied = records.reduce(0) { $0 + ($1.withUnsafeBytes(RecordLine.kind) == .deny ? $1.count + 1 : 0) }
        tail.replace(segment, file: OpenFile(try core.folder.open(segment.name, O_RDWR | O_APPEND)))
        let begin = SegmentFile(first: segment.first, end: segment.first, bytes: 0)
        var open = follower.open
        open.first = segment.first
        follower = LeafHasher(folder: core.folder, segment: begin, open: open)
    }

    /// What a stopped agent knows of its log, for commands that only look; zeros without a log.
    package static func lastCounts(folder path: String) -> (recorded: UInt64, countersigned: UInt64) {
        let folder = SpoolFolder(path: path)
        let countersigned = (try? SpoolState.load(folder))?.countersigned.size ?? 0
        guard let last = (try? folder.names())?.compactMap(SegmentFile.first(name:)).max() else {
            return (countersigned, countersigned)
        }
        let name = SegmentFile(first: last, end: last, bytes: 0).name
        guard let bytes = try? folder.read(name) else { return (countersigned, countersigned) }
        var reader = LineReader(bytes)
        var recorded = last
        while reader.next() != nil { recorded += 1 }
        return (max(recorded, countersigned), countersigned)
    }

    /// Removes files that are countersigned and older, or more, than what is kept.
    private func removeOld(_ follower: inout LeafHasher) throws(SpoolError) {
        let size = progress.withLock { $0.countersigned.size }
        let oldest = Int(core.clock.wall() / 1_000_000) - configuration.keptAge
        let (removed, isPressed) = core.tail.withLock { tail in
            // The spool keeps a bounded amount of countersigned records; under pressure it need not keep any.
            let isPressed =
                tail.room.isPressed || tail.room.isReserveUsed || tail.bytes > configuration.maxBytes / 2
                || tail.denied > configuration.deniedBytes / 2
            // What the next start would have to read stays.
            let followed = min(follower.segment, follower.saved)
            let covered = tail.segments.dropLast().prefix { $0.end <= size && $0.end <= followed }
            var held = covered.reduce(0) { $0 + $1.bytes }
            let removed = covered.prefix { segment in
                let isOld = core.folder.changed(segment.name) < oldest
                defer { held -= segment.bytes }
                return isPressed || isOld || held > configuration.keptBytes
            }
            tail.drop(removed.count)
            return (Array(removed), isPressed)
        }
        for segment in removed {
            follower.open.denied[segment.first] = nil
            try core.folder.remove(segment.name)
            try core.folder.remove(segment.hashName)
        }
        if isPressed { core.keepRoom() }
    }

    /// Runs a change of files on the spool's thread.
    private func change(
        _ body: @escaping @Sendable (inout LeafHasher) throws(SpoolError) -> Void
    ) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let isTaken = core.submit { follower in
                do throws(SpoolError) {
                    continuation.resume(returning: try body(&follower))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !isTaken { continuation.resume(throwing: SpoolError(.closed, "the spool is closed")) }
        }
    }
}
