internal import AuditLog
internal import Foundation
internal import Glibc
internal import Logging
internal import ServiceKit
internal import Synchronization

/// The thread on which everything slow happens: it makes records durable in groups, hashes them, and carries out what
/// changes files otherwise, one thing at a time.
///
/// It sleeps until a record comes; then it looks every 20 ms for records that wait, and every 50 ms it syncs.
final class SpoolCore: Sendable {
    let folder: SpoolFolder
    let clock: MachineClock
    let tail: Mutex<SpoolTail>
    let leaves: Mutex<LeafWindow>
    let observers = Mutex(Observers())
    private let disk: SpoolDisk
    private let reserve: SpoolReserve
    private let logger: Logger
    private let wakeUp = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)
    private let mailbox = Mutex(Mailbox())

    /// A change of files that somebody wants, with the follower of the records at hand.
    typealias Job = @Sendable (inout LeafFollower) -> Void

    private struct Mailbox {
        var jobs: [Job] = []
        var isStopping = false
        var isGone = false
    }

    struct Observers: Sendable {
        var last = 0
        var each: [Int: @Sendable (SpoolNews) -> Void] = [:]
    }

    private static let tick = Duration.milliseconds(20)
    private static let group = Duration.milliseconds(50)
    /// Denials are synced at once; a flood of them at this pace.
    private static let urgentGroup = Duration.milliseconds(10)
    private static let upkeep = Duration.seconds(1)

    init(
        folder: SpoolFolder,
        disk: SpoolDisk,
        clock: MachineClock,
        configuration: SpoolConfiguration,
        logger: Logger,
        tail: consuming SpoolTail,
        follower: LeafFollower
    ) {
        self.folder = folder
        self.disk = disk
        self.clock = clock
        self.logger = logger
        reserve = SpoolReserve(folder: folder, disk: disk, bytes: configuration.reserveBytes)
        leaves = Mutex(LeafWindow(segment: follower.segment, end: follower.next))
        if !reserve.restore() { tail.lostReserve() }
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

    private func run(_ first: LeafFollower) {
        // On Linux this is the thread's alone: with few cores, calls come first.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        var follower = first
        var lastSync: ContinuousClock.Instant?
        var lastUpkeep = ContinuousClock.now
        while true {
            let (jobs, isStopping) = mailbox.withLock { box in
                defer { box.jobs = [] }
                return (box.jobs, box.isStopping)
            }
            for job in jobs { job(&follower) }
            if ContinuousClock.now - lastUpkeep >= Self.upkeep {
                lastUpkeep = .now
                keepRoom()
            }
            let isUrgent = tail.withLock { $0.hasUrgent }
            let pause = isUrgent ? Self.urgentGroup : Self.group
            if isStopping || lastSync.map({ ContinuousClock.now - $0 >= pause }) ?? true {
                if let work = tail.withLock({ $0.takeWork() }) {
                    perform(work, &follower)
                    lastSync = .now
                }
            } else {
                tail.withLock { try? $0.flush() }
            }
            tellFailure()
            if isStopping { break }
            sleep()
        }
        tail.withLock { $0.fail(SpoolError(.closed, "the spool is closed")) }
        hasEnded.signal()
    }

    private func sleep() {
        let (isBusy, isPressed) = tail.withLock { tail in
            tail.isSyncerIdle = !tail.isBusy
            return (tail.isBusy, tail.room.isPressed || tail.room.isReserveUsed)
        }
        if isBusy {
            _ = wakeUp.wait(
                timeout: .now() + .milliseconds(Int(Self.tick.components.attoseconds / 1_000_000_000_000_000))
            )
        } else if isPressed {
            _ = wakeUp.wait(timeout: .now() + .seconds(1))
        } else {
            wakeUp.wait()
        }
        tail.withLock { $0.isSyncerIdle = false }
    }

    private func perform(_ work: SpoolTail.Work, _ follower: inout LeafFollower) {
        var error: SpoolError?
        for file in work.retired {
            if disk.sync(file) != 0 { error = syncFailure() }
            close(file)
        }
        if disk.sync(work.file) != 0 { error = syncFailure() }
        if work.isFolderDirty {
            do { try folder.sync() } catch let failure { error = failure }
        }
        if let error { fail(error) }
        // After a failed sync the records are still in the file, if not on the disk: what can be read is hashed, and
        // the coordinator gets it.
        do {
            let hashes = try follower.follow(work.segments)
            let durable = follower.next
            leaves.withLock { $0.append(hashes, segment: follower.segment, end: durable) }
            publish(SpoolNews(durable: durable, isUrgent: work.isUrgent, failure: error))
        } catch let failure {
            fail(failure)
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

    func fail(_ error: SpoolError) {
        tail.withLock { $0.fail(error) }
        tellFailure()
    }

    /// Tells of a failure, once, whoever met it.
    private func tellFailure() {
        guard let error = tail.withLock({ $0.takeFailureNews() }) else { return }
        logger.error("Nothing can be recorded any more.", metadata: ["error": "\(error.message)"])
        publish(SpoolNews(durable: leaves.withLock { $0.end }, isUrgent: true, failure: error))
    }

    /// Looks whether there is room again: called every second while there was none, and after files went.
    func keepRoom() {
        let (isUsed, isPressed) = tail.withLock { ($0.room.isReserveUsed, $0.room.isPressed) }
        guard isUsed || isPressed else { return }
        let isThere = !isUsed || reserve.restore()
        let time = clock.recordTime
        tail.withLock { tail in
            if isThere { tail.restoredReserve() }
            tail.relieve(at: time)
        }
    }

    func publish(_ news: SpoolNews) {
        for observer in observers.withLock({ Array($0.each.values) }) { observer(news) }
    }
}

/// What became of records: told to whoever asked, on the spool's own thread.
package struct SpoolNews: Sendable {
    /// Records below this number are durable.
    package let durable: UInt64
    /// Whether there is a denial among them, which is shipped at once.
    package let isUrgent: Bool
    /// Set when nothing is recorded any more.
    package let failure: SpoolError?
}

/// The hashes of the newest durable records, so that nobody has to compute them twice.
struct LeafWindow: Sendable {
    /// The segment that is followed.
    private(set) var segment: UInt64
    /// Behind the last durable record.
    private(set) var end: UInt64
    private var hashes: [Hash] = []

    private static let capacity = 8192

    init(segment: UInt64, end: UInt64) {
        self.segment = segment
        self.end = end
    }

    mutating func append(_ new: [Hash], segment: UInt64, end: UInt64) {
        hashes += new
        if hashes.count > Self.capacity { hashes.removeFirst(hashes.count - Self.capacity / 2) }
        self.segment = segment
        self.end = end
    }

    /// The hash of a record, if it is one of the newest.
    func hash(_ number: UInt64) -> Hash? {
        guard number < end, end - number <= UInt64(hashes.count) else { return nil }
        return hashes[hashes.count - Int(end - number)]
    }

    /// Goes on elsewhere.
    mutating func reset(segment: UInt64, end: UInt64) {
        self = LeafWindow(segment: segment, end: end)
    }
}
