package import AuditLog
internal import Dispatch
internal import Errors
internal import Glibc
package import Logging
package import ServiceKit
internal import Synchronization
internal import TransparencyLog

/// The records of one agent, from the moment that they are made until the coordinator has countersigned them.
///
/// One folder for each agent id. A caller records from its own thread with one write(2), and no call leaves before its
/// record is in the file: a killed agent loses nothing. What is slow (making it durable, hashing) happens within 50 ms
/// on a thread of the spool's own; a power cut may cost that much. When room runs out, calls are refused and nothing is
/// dropped; when the disk fails, the spool takes nothing any more.
package final class Spool: Sendable {
    /// What was found when the folder was opened.
    package struct Found: Sendable, Equatable {
        /// Half-written lines that were cut off: for `agent.start`.
        package let torn: Int
        /// Calls that had begun and not ended: they have `call.end` with the outcome `unknown` now.
        package let unknown: Int
    }

    /// The folder, as it was given.
    package let folder: String
    package let found: Found
    /// The number of the first record of this run.
    package let began: UInt64

    let core: SpoolThread
    let configuration: SpoolConfiguration
    let progress: Mutex<SpoolState>
    /// Given whenever the coordinator has countersigned more.
    let countersignings = Signal()
    /// Reads what is shipped: of all readings the one that must not wait for another.
    let shipping = ReadingDesk("doorward.spool.shipping")
    /// Reads what people look at, which may be all that is here.
    let showing = ReadingDesk("doorward.spool.showing")
    private let lock: FileLock

    /// Opens a folder, which is made if it is not there.
    ///
    /// - Parameters:
    ///   - folder: Of this agent id alone.
    ///   - writer: Writes the records of this run.
    ///   - clock: For the times in records.
    ///   - configuration: How large it may grow.
    ///   - logger: Learns when nothing can be recorded any more.
    /// - Throws: `.inUse` if another process has it, `.damaged` with the file and line, `.file`.
    package convenience init(
        folder: String,
        writer: RecordWriter,
        clock: MachineClock = .system,
        configuration: SpoolConfiguration = SpoolConfiguration(),
        logger: Logger = Logger(label: "doorward.spool")
    ) throws(SpoolError) {
        try self.init(
            folder: folder,
            writer: writer,
            clock: clock,
            configuration: configuration,
            logger: logger,
            disk: .system
        )
    }

    init(
        folder path: String,
        writer: RecordWriter,
        clock: MachineClock,
        configuration: SpoolConfiguration,
        logger: Logger,
        disk: SpoolDisk
    ) throws(SpoolError) {
        folder = path
        self.configuration = configuration
        let folder = SpoolFolder(path: path)
        try folder.make()
        lock = try folder.lock()
        let recovery = try SpoolRecovery(folder)
        guard let last = recovery.segments.last else { throw SpoolRecovery.damage(path, "has no records") }
        let tail = SpoolTail(
            folder: folder,
            disk: disk,
            configuration: configuration,
            writer: writer,
            segments: recovery.segments,
            file: OpenFile(try folder.open(last.name, O_RDWR | O_APPEND)),
            openCalls: recovery.open.begins.count
        )
        began = last.end
        found = Found(torn: recovery.torn, unknown: recovery.open.begins.count)
        progress = Mutex(recovery.state)
        core = SpoolThread(
            folder: folder,
            folderFile: OpenFile(try folder.open(".", O_RDONLY | O_DIRECTORY)),
            disk: disk,
            clock: clock,
            configuration: configuration,
            logger: logger,
            tail: tail,
            follower: LeafHasher(folder: folder, segment: last, open: recovery.open)
        )
        // One after the other: of many, what the records say is not in memory at the same time.
        for begin in recovery.open.inOrder {
            if let facts = RecordLine.facts(begin.line) { recordSoon(.callEnd(facts, Outcome(.unknown))) }
        }
    }

    deinit {
        core.stop()
    }

    /// Makes everything durable and lets go of the folder; a caller that records afterwards gets `.closed`.
    package func close() {
        core.stop()
        lock.release()
    }

    // MARK: Recording

    /// Records: on return the record is in the file, behind everything that was recorded before it.
    ///
    /// A few microseconds: no wait for the disk, no allocation but for the buffer's growth.
    ///
    /// - Parameter body: What is to be said.
    /// - Throws: `.full` where there is no room for what begins, `.denialsFull` for a refusal where only calls have
    ///   room left, `.callsOpen` where too many calls are open for another, `.failed` once the disk has failed; then
    ///   the record is not there, and what it records must not happen.
    package func record(_ body: RecordBody) throws(SpoolError) {
        let time = core.clock.recordTime
        do {
            let isCalled = try core.tail.withLock { tail throws(SpoolError) in
                try tail.record(body, at: time)
                return tail.callsSyncer(at: time)
            }
            if isCalled { core.wake() }
        } catch {
            tellProblem()
            throw error
        }
    }

    /// Lays a record out, behind everything that was recorded before it: it is in the file once `write` returned.
    ///
    /// For many things that begin at once and so share one write.
    ///
    /// - Parameter body: What is to be said.
    /// - Returns: The number of the record.
    /// - Throws: As `record`.
    @discardableResult
    package func layOut(_ body: RecordBody) throws(SpoolError) -> UInt64 {
        let time = core.clock.recordTime
        do {
            return try core.tail.withLock { tail throws(SpoolError) in
                try tail.layOut(body, at: time)
                return tail.next - 1
            }
        } catch {
            tellProblem()
            throw error
        }
    }

    /// Writes all that was laid out.
    ///
    /// - Throws: As `record`; then what was laid out waits on, and the things that it records must not happen.
    package func write() throws(SpoolError) {
        let time = core.clock.recordTime
        do {
            let isCalled = try core.tail.withLock { tail throws(SpoolError) in
                try tail.write(at: time)
                return tail.callsSyncer(at: time)
            }
            if isCalled { core.wake() }
        } catch {
            tellProblem()
            throw error
        }
    }

    /// Has the spool's thread tell of a problem that was just met.
    private func tellProblem() {
        if core.tail.withLock({ $0.isNews }) { core.wake() }
    }

    /// Records with the next `record` or `write`, or after 20 ms: for what has happened and cannot be undone.
    ///
    /// Lost only by a kill within that time, and then the next start writes `unknown` in its place; or once the spool
    /// has failed.
    package func recordSoon(_ body: RecordBody) {
        let time = core.clock.recordTime
        let isCalled = core.tail.withLock { tail in
            tail.recordSoon(body, at: time)
            return tail.callsSyncer(at: time) || tail.isNews
        }
        if isCalled { core.wake() }
    }

    // MARK: State

    /// Records since the agent was enrolled, and how many of them the coordinator has countersigned.
    package var counts: (recorded: UInt64, countersigned: UInt64) {
        let countersigned = progress.withLock { $0.countersigned.size }
        return (core.tail.withLock { $0.next }, countersigned)
    }

    /// Why nothing is recorded any more; nil while all is well.
    package var failure: SpoolError? { core.tail.withLock { $0.failure } }

    /// Why nothing can be recorded, for now or for good, with the file; nil while all is well.
    package var problem: SpoolError? { core.tail.withLock { $0.problem } }

    /// Why records in a file cannot be shipped for now; nil while all is well.
    package var delay: SpoolError? { core.delay.withLock { $0 } }

    /// Calls that have begun and not ended.
    package var openCalls: Int { core.tail.withLock { $0.openCalls } }

    /// The most calls that may be open, parked ones included: from there on a beginning is not recorded.
    package var mostOpenCalls: Int { configuration.mostOpenCalls }

    /// Whether calls are refused for want of room.
    package var isFull: Bool { core.tail.withLock { $0.room.isPressed } }

    /// The size of all records in bytes.
    package var bytes: Int { core.tail.withLock { $0.bytes } }

    /// The first record that is still here.
    var oldest: UInt64 { core.tail.withLock { $0.segments.first?.first ?? 0 } }

    /// Records below this number are durable, and can be shipped.
    package var durable: UInt64 { core.leaves.withLock { $0.end } }

    /// Calls `body` on the spool's thread whenever records became durable, at the latest 50 ms after they were made, or
    /// when it fails; it must be quick.
    package func observe(_ body: @escaping @Sendable (SpoolEvent) -> Void) -> Observation {
        let number = core.observers.withLock { observers in
            observers.last += 1
            observers.each[observers.last] = body
            return observers.last
        }
        return Observation { [core] in _ = core.observers.withLock { $0.each.removeValue(forKey: number) } }
    }

    /// Ends when it is cancelled.
    package struct Observation: Sendable {
        package let cancel: @Sendable () -> Void
    }
}
