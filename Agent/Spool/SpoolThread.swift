internal import Errors
internal import Foundation
internal import Glibc
internal import Logging
internal import ServiceKit
internal import Synchronization

/// The thread on which everything slow happens: it makes records durable in groups, hashes them, and carries out what
/// changes files otherwise, one thing at a time.
///
/// It sleeps until a record comes; then it looks every 20 ms for records that wait, and every 50 ms it syncs. However
/// fast records come, any other task for this thread waits for one step of the hashing and one sync at most.
final class SpoolThread: Sendable {
    let folder: SpoolFolder
    let clock: MachineClock
    let tail: Mutex<SpoolTail>
    let leaves: Mutex<LeafWindow>
    let observers = Mutex(Observers())
    private let disk: SpoolDisk
    private let reserve: SpoolReserve
    private let logger: Logger
    /// The folder itself, open for as long as it is written to: to make names in it durable.
    private let folderFile: OpenFile
    private let wakeUp = ThreadSignal()
    private let hasEnded = ThreadSignal()
    /// Why what is durable cannot be hashed for now, and so not be shipped.
    let delay = Mutex<SpoolError?>(nil)
    /// Somebody waits for the coordinator to have the records below this number.
    let awaited = Mutex<UInt64>(0)
    private let mailbox = Mutex(Mailbox())

    /// A change of files that a caller wants, with the follower of the records at hand.
    typealias Job = @Sendable (inout LeafHasher) -> Void

    private struct Mailbox {
        var jobs: [Job] = []
        var isStopping = false
        var isGone = false
    }

    struct Observers: Sendable {
        var last = 0
        var each: [Int: @Sendable (SpoolEvent) -> Void] = [:]
    }

    private static let tick = Duration.milliseconds(20)
    private static let group = Duration.milliseconds(50)
    /// Denials are synced at once; a flood of them at this pace.
    private static let urgentGroup = Duration.milliseconds(10)
    private static let upkeep = Duration.seconds(1)
    /// How long after an error that can pass it is tried again: twice as long each time, up to the second.
    private static let pauses = (first: Duration.milliseconds(100), last: Duration.seconds(5))
    /// The longest that hashing goes on when the spool is closed: the next start does the rest.
    private static let lastEffort = Duration.seconds(5)

    init(
        folder: SpoolFolder,
        folderFile: OpenFile,
        disk: SpoolDisk,
        clock: MachineClock,
        configuration: SpoolConfiguration,
        logger: Logger,
        tail: consuming SpoolTail,
        follower: LeafHasher
    ) {
        self.folder = folder
        self.folderFile = folderFile
        self.disk = disk
        self.clock = clock
        self.logger = logger
        reserve = SpoolReserve(folder: folder, disk: disk, bytes: configuration.reserveBytes)
        leaves = Mutex(LeafWindow(segment: follower.segment, end: follower.next))
        if let error = reserve.restore() { tail.lostReserve(error) }
        self.tail = Mutex(tail)
        let thread = Thread { [self] in run(follower) }
        thread.name = "spool"
        thread.start()
    }

    /// Wakes the thread, which has something to do.
    func wake() { wakeUp.signal() }

    /// Hands a job to the thread; false once the thread is ending.
    func submit(_ job: @escaping Job) -> Bool {
        let isTaken = mailbox.withLock { box in
            if !box.isStopping { box.jobs.append(job) }
            return !box.isStopping
        }
        wake()
        return isTaken
    }

    /// Writes and syncs what is there, and ends the thread.
    func stop() {
        let isFirst = mailbox.withLock { box in
            defer { box.isStopping = true }
            return !box.isStopping
        }
        guard isFirst else { return }
        wake()
        hasEnded.wait()
    }

    // MARK: The thread

    /// What the thread remembers between two turns.
    private struct Progress {
        var lastSync: ContinuousClock.Instant?
        var lastUpkeep = ContinuousClock.now
        /// What kept it from following the records, how long it waits for that to pass, and until when.
        var delay: SpoolError?
        var pause = SpoolThread.pauses.first
        var retry: ContinuousClock.Instant?
        /// Whether it was told that nothing can be recorded, and that this stays so.
        var isTold = false
        var hasFailed = false
        /// Set with the first turn of the end.
        var end: ContinuousClock.Instant?
    }

    private func run(_ first: LeafHasher) {
        // On Linux this is the thread's alone: with few cores, calls come first.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        var follower = first
        var progress = Progress()
        while true {
            let (jobs, isStopping) = mailbox.withLock { box in
                defer { box.jobs = [] }
                return (box.jobs, box.isStopping)
            }
            for job in jobs { job(&follower) }
            if ContinuousClock.now - progress.lastUpkeep >= Self.upkeep {
                progress.lastUpkeep = .now
                keepRoom()
                follower.saveOpen()
            }
            sync(&progress, &follower, isLast: isStopping)
            follow(&progress, &follower)
            tellProblem(&progress)
            if isStopping {
                let end = progress.end ?? .now + Self.lastEffort
                progress.end = end
                if follower.isDone || progress.delay != nil || ContinuousClock.now > end { break }
            } else if follower.isDone || progress.delay != nil {
                sleep(progress)
            }
        }
        let closed = SpoolError(.closed, "the spool is closed")
        let hasFailed = tail.withLock { tail in
            defer { tail.fail(closed) }
            return tail.failure != nil
        }
        // A caller that waits for a record would wait for ever.
        if !hasFailed { publish(SpoolEvent(durable: leaves.withLock { $0.end }, isUrgent: false, failure: closed)) }
        hasEnded.signal()
    }

    private func sleep(_ progress: Progress) {
        let now = clock.boot() / 1000
        let pause: Duration? = tail.withLock { tail in
            guard tail.isBusy else {
                tail.syncer = .rests
                let isWell = tail.problem == nil || tail.failure != nil
                return isWell && progress.delay == nil ? nil : Self.upkeep
            }
            let pause = tail.hasUrgent ? Self.urgentGroup : Self.tick
            let microseconds = Int64(pause.components.attoseconds / 1_000_000_000_000)
            tail.syncer = .looks(at: now + microseconds, isUrgent: tail.hasUrgent)
            return pause
        }
        wakeUp.wait(atMost: pause)
        tail.withLock { $0.syncer = .works }
    }

    /// Makes durable what was written, unless it was done just now.
    private func sync(_ progress: inout Progress, _ follower: inout LeafHasher, isLast: Bool) {
        let pause = tail.withLock { $0.hasUrgent } ? Self.urgentGroup : Self.group
        guard isLast || progress.lastSync.map({ ContinuousClock.now - $0 >= pause }) ?? true else {
            tail.withLock { try? $0.flush() }
            return
        }
        guard let work = tail.withLock({ $0.takeWork() }) else { return }
        let files = work.parts.map(\.file) + (work.isFolderDirty ? [folderFile] : [])
        for file in files where !isSynced(file) { fail(syncFailure()) }
        // After a failed sync the records are still in the file, if not on the disk: what can be read is hashed, and
        // the coordinator gets it.
        follower.take(work.parts)
        progress.lastSync = .now
    }

    private func isSynced(_ file: OpenFile) -> Bool {
        repeat {
            if disk.sync(file.number) == 0 { return true }
        } while errno == EINTR
        return false
    }

    /// Hashes one step of what is durable.
    ///
    /// Only what is known to stay so ends the recording. What can pass, as when no more files can be opened, is tried
    /// again; what was recorded waits in its file.
    private func follow(_ progress: inout Progress, _ follower: inout LeafHasher) {
        guard !follower.isDone, progress.retry.map({ ContinuousClock.now >= $0 }) ?? true else { return }
        do throws(SpoolError) {
            let slice = try follower.step()
            if progress.delay != nil { logger.notice("Records are made ready for the coordinator again.") }
            delay.withLock { $0 = nil }
            (progress.delay, progress.retry, progress.pause) = (nil, nil, Self.pauses.first)
            guard !slice.hashes.isEmpty else { return }
            let durable = follower.next
            leaves.withLock { $0.append(slice.hashes, segment: follower.segment, end: durable) }
            let isAwaited = awaited.withLock { $0 } > durable - UInt64(slice.hashes.count)
            publish(SpoolEvent(durable: durable, isUrgent: slice.hasDenial || isAwaited, failure: nil))
        } catch {
            guard error.kind != .damaged else {
                fail(error)
                (progress.delay, progress.retry) = (error, .now + Self.pauses.last)
                return
            }
            if progress.delay == nil {
                logger.warning("Records cannot be made ready for now.", metadata: ["error": "\(error.message)"])
            }
            delay.withLock { $0 = error }
            (progress.delay, progress.retry) = (error, .now + progress.pause)
            progress.pause = min(progress.pause * 2, Self.pauses.last)
        }
    }

    /// The kernel says once that it lost what it was given, and forgets it: nothing that follows can be trusted.
    private func syncFailure() -> SpoolError {
        SpoolError(
            .failed,
            "\(folder.path) did not reach the disk: \(String(cString: strerror(errno)))",
            next: "systemctl --user restart doorward"
        )
    }

    /// Records nothing any more; the thread tells of it.
    func fail(_ error: SpoolError) {
        tail.withLock { $0.fail(error) }
        wake()
    }

    /// Tells when it begins that nothing can be recorded, and when that ends; a failure for good is told to observers.
    private func tellProblem(_ progress: inout Progress) {
        let (problem, failure) = tail.withLock { ($0.takeNews(), $0.failure) }
        if let problem {
            guard !progress.isTold || failure != nil && !progress.hasFailed else { return }
            progress.isTold = true
            if let failure {
                progress.hasFailed = true
                logger.error("Nothing can be recorded any more.", metadata: ["error": "\(failure.message)"])
                publish(SpoolEvent(durable: leaves.withLock { $0.end }, isUrgent: true, failure: failure))
            } else {
                logger.error(
                    "Nothing can be recorded for now, so no call passes.",
                    metadata: ["error": "\(problem.message)", "next": "\(problem.next ?? "doorward status")"]
                )
            }
        } else if progress.isTold {
            progress.isTold = false
            logger.notice("Calls can be recorded again.", metadata: ["folder": "\(folder.path)"])
        }
    }

    /// Looks whether there is room again: called every second while there was none, and after files went.
    func keepRoom() {
        let (isUsed, isPressed) = tail.withLock { tail in
            tail.ageError()
            return (tail.room.isReserveUsed, tail.room.isPressed)
        }
        guard isUsed || isPressed else { return }
        let error = isUsed ? reserve.restore() : nil
        let time = clock.recordTime
        tail.withLock { tail in
            if let error { tail.lostReserve(error) } else { tail.restoredReserve() }
            tail.relieve(at: time)
        }
    }

    func publish(_ news: SpoolEvent) {
        for observer in observers.withLock({ Array($0.each.values) }) { observer(news) }
    }
}
