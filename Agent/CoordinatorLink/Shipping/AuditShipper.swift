internal import AgentState
internal import Contract
internal import Fetch
package import Logging
package import ServiceKit
internal import ServiceLifecycle
package import Spool
internal import StrictJSON
internal import Synchronization

/// How far an attempt to ship everything went.
package enum ShippingEnd: Sendable, Equatable {
    /// Nothing is left.
    case all
    /// The coordinator will not take the rest, with a message that says why.
    case never(String)
    /// The coordinator cannot take the rest now, with a message that says why.
    case later(String)
}

/// Brings the records to the coordinator and its countersignatures back.
///
/// A batch is closed at 2048 records, after a second, or at once after a denial. The records stay in the spool until
/// what the coordinator answers was verified. An actor, since a batch is work with many waits, one after the other.
package actor AuditShipper: Service, CustomStringConvertible {
    package nonisolated var description: String { "audit shipper" }

    let client: CoordinatorClient
    let spool: Spool
    let watch: OrgWatch
    let clock: MachineClock
    let logger: Logger
    let proofs: UploadProofs
    var machine: UploadMachine
    let news = Signal()
    /// The last news that a wait has seen.
    var newsSeen = 0
    /// Whether a record waits that is not to wait for others.
    let isUrgent = Mutex(false)
    /// How many durable records are news: to be told of fewer would cost more than to ship them.
    let awaited = Mutex<UInt64>(0)
    /// Whether a caller expects that what did not work will work now.
    let isNudged = Mutex(false)
    let halted = Mutex<UploadMachine.Halt?>(nil)
    /// The message that the coordinator takes nothing for now, once that lasts.
    let deferral = Mutex<String?>(nil)
    /// For how long it may do so before the user is told.
    static let patience = Duration.seconds(20)
    /// Whether a caller asks anew why it has halted.
    let isAsked = Mutex(false)
    /// What did not work, and how often.
    let trouble = Mutex<(count: Int, words: String)>((0, ""))
    /// How far the wall clock was ahead of the machine's own, in microseconds, when nothing was in doubt.
    var clockDifference: Int64
    /// The epoch of the organisation's log in which the coordinator was last asked what it has.
    var epoch: Int

    /// How long it may go on once it is told to end.
    private static let lastEffort = Duration.seconds(5)
    /// The most bytes of records in an upload: well below what the coordinator takes.
    static let longest = 4 << 20

    /// A shipper of a spool's records; nothing happens before it runs.
    package init(
        client: CoordinatorClient,
        spool: Spool,
        watch: OrgWatch,
        clock: MachineClock = .system,
        logger: Logger
    ) {
        self.client = client
        self.spool = spool
        self.watch = watch
        self.clock = clock
        self.logger = logger
        proofs = UploadProofs(client.membership)
        machine = UploadMachine(edge: spool.frontier)
        clockDifference = Self.difference(clock)
        epoch = watch.epoch
    }

    /// Why nothing is shipped, for now or until an administrator has looked at it; nil while all is well or only away.
    package nonisolated var problem: String? { halted.withLock { $0?.words } ?? deferral.withLock { $0 } }

    /// Tries at once: the coordinator was heard of, or the keyring unlocked.
    package nonisolated func nudge() {
        isNudged.withLock { $0 = true }
        news.notify()
    }

    package func run() async throws {
        let observation = spool.observe { [weak self] event in
            guard let self else { return }
            if event.isUrgent { isUrgent.withLock { $0 = true } }
            let isNews = event.durable >= awaited.withLock { $0 }
            if isNews || event.isUrgent || event.failure != nil { news.notify() }
        }
        defer { observation.cancel() }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled { await self.step() }
        }
        await finish()
    }

    /// Ships everything that is recorded, or as much as goes in the time, while this shipper runs.
    ///
    /// The coordinator is asked anew, also where it has refused before. Three failures in a row say enough.
    ///
    /// - Parameter time: The most that it may take.
    /// - Returns: How far that went.
    package nonisolated func drain(within time: Duration) async -> ShippingEnd {
        let deadline = ContinuousClock.now + time
        let before = trouble.withLock { $0.count }
        var nextNudge = ContinuousClock.now
        isAsked.withLock { $0 = true }
        while ContinuousClock.now < deadline, !Task.isCancelled {
            let counts = spool.counts
            if counts.recorded == counts.countersigned { return .all }
            if !isAsked.withLock({ $0 }), let halt = halted.withLock({ $0 }) {
                return halt.isFinal ? .never(halt.words) : .later(halt.words)
            }
            if trouble.withLock({ $0.count }) >= before + Self.enough { break }
            isUrgent.withLock { $0 = true }
            if ContinuousClock.now >= nextNudge {
                nextNudge += .seconds(1)
                nudge()
            }
            news.notify()
            try? await Task.sleep(for: .milliseconds(20))
        }
        let counts = spool.counts
        if counts.recorded == counts.countersigned { return .all }
        let words = trouble.withLock { $0.words }
        return .later(words.isEmpty ? "it does not answer" : words)
    }

    private static let enough = 3

    /// Ships everything that is recorded with a shipper of its own: for commands without an agent.
    package static func shipAll(
        client: CoordinatorClient,
        spool: Spool,
        watch: OrgWatch,
        logger: Logger,
        within time: Duration
    ) async -> ShippingEnd {
        let shipper = AuditShipper(client: client, spool: spool, watch: watch, logger: logger)
        return await withTaskGroup(of: ShippingEnd?.self) { group in
            group.addTask {
                try? await shipper.run()
                return nil
            }
            group.addTask { await shipper.drain(within: time) }
            defer { group.cancelAll() }
            for await end in group {
                if let end { return end }
            }
            return .later("it was given up")
        }
    }

    /// What is there when the agent ends is shipped as far as that is quick.
    private func finish() async {
        // Not part of the task that ends: this is what it ends with.
        await Deadline.cancelling(after: Self.lastEffort) { await self.shipRest() }
    }

    private func shipRest() async {
        // The last record is written just before the end and durable a moment later.
        if let last = spool.counts.recorded.checkedPredecessor { try? await spool.wait(for: last) }
        var failures = 0
        // A coordinator that takes nothing for now is not asked again because this agent ends.
        while failures < 2, machine.deferredSince == nil, !Task.isCancelled, spool.counts.countersigned < spool.durable
        {
            machine.retry()
            if await !act(on: machine.next(now: now, durable: spool.durable, isUrgent: true)) { failures += 1 }
        }
    }
}

extension UInt64 {
    /// One less; nil below zero.
    fileprivate var checkedPredecessor: UInt64? { self == 0 ? nil : self - 1 }
}
