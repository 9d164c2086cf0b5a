internal import AgentState
internal import CoordinatorLink
internal import Errors
internal import Forwarding
internal import Logging
internal import ServiceKit
internal import ServiceLifecycle
internal import Synchronization

/// Runs the part of the agent that belongs to a coordinator for as long as this machine is enrolled, and again after
/// another `doorward login`.
///
/// Only a membership that is not there has ended. One that cannot be read now leaves everything as it is, and is looked
/// at again.
final class Supervisor: Service, CustomStringConvertible {
    /// What runs for the membership on disk.
    enum Situation: Sendable {
        /// This machine belongs to no coordinator, as far as anybody has looked.
        case none
        case running(EnrolledAgent)
        /// A part of the membership cannot be opened, for this reason; the membership is nil where it is itself that
        /// part.
        case broken(Membership?, any ExplainedError)

        var membership: Membership? {
            switch self {
            case .none: nil
            case .running(let agent): agent.membership
            case .broken(let membership, _): membership
            }
        }
    }

    private let parts: AgentParts
    private let board: DataPathController
    private let forwarding: ForwardingService
    private let credentials: VaultCredentials
    private let current = Mutex(Situation.none)
    private let hasLooked = Mutex(false)
    /// Given whenever what a task waits for may have come.
    private let progress = Signal()
    /// Whether a task waits for what is on disk to run.
    private let isAsked = Mutex(false)
    private let reloads: AsyncStream<Void>
    private let reload: AsyncStream<Void>.Continuation

    init(_ parts: AgentParts, board: DataPathController, forwarding: ForwardingService, credentials: VaultCredentials) {
        self.parts = parts
        self.board = board
        self.forwarding = forwarding
        self.credentials = credentials
        (reloads, reload) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    let description = "supervisor"

    var situation: Situation { current.withLock { $0 } }

    /// The enrolled agent that runs now.
    var agent: EnrolledAgent? {
        if case .running(let agent) = situation { agent } else { nil }
    }

    /// Waits until it is known what calls will meet: no membership, or one whose policy is in force and whose key is read.
    ///
    /// A keyring that is locked or hangs is not waited for: then calls are told so.
    func settle(atMost time: Duration) async {
        await wait(atMost: time) { self.hasLooked.withLock { $0 } && self.agent?.isSettled ?? true }
    }

    /// Waits until something is so, no longer than `time`.
    private func wait(atMost time: Duration, until isSo: () -> Bool) async {
        let deadline = ContinuousClock.now + time
        var version = progress.version
        while !isSo(), ContinuousClock.now < deadline, !Task.isCancelled {
            version = await progress.wait(after: version, atMost: deadline - .now)
        }
    }

    /// Takes what commands have changed on disk, and waits until it runs so; no longer than `time`.
    func look(atMost time: Duration) async {
        isAsked.withLock { $0 = true }
        reload.yield()
        await wait(atMost: time) {
            // While it cannot be read, the agent does not know what to wait for.
            do { return try Membership.load(self.parts.home) == self.situation.membership } catch { return false }
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                // A command that cannot reach the socket is noticed a little later.
                group.addTask {
                    while (try? await Task.sleep(for: .seconds(1))) != nil { self.reload.yield() }
                }
                await self.follow()
                group.cancelAll()
            }
        }
    }

    /// Starts and ends enrolled agents as the membership on disk wants it, until the task is cancelled.
    private func follow() async {
        var running: Task<Void, Never>?
        var trial = Trial()
        reload.yield()
        for await _ in reloads {
            defer {
                hasLooked.withLock { $0 = true }
                progress.notify()
            }
            let isAsked = isAsked.withLock { isAsked in
                defer { isAsked = false }
                return isAsked
            }
            let membership: Membership?
            do {
                membership = try Membership.load(parts.home)
            } catch {
                let isNew = trial.failed(error, with: nil)
                if isNew { say("The membership cannot be read; what runs goes on.", trial.error) }
                if running == nil, isNew { await close(.broken(nil, trial.error)) }
                continue
            }
            if running != nil, membership == situation.membership {
                trial.ended()
                continue
            }
            if running == nil, trial.isToWait(for: membership), !isAsked { continue }
            await stop(running)
            running = nil
            guard let membership, !Task.isCancelled else {
                trial.ended()
                if case .broken = situation { await close(.none) }
                continue
            }
            do {
                let agent = try EnrolledAgent(
                    membership,
                    parts: parts,
                    board: board,
                    forwarding: forwarding,
                    onSettled: progress.notify
                )
                trial.ended()
                current.withLock { $0 = .running(agent) }
                credentials.use(agent.vault)
                running = Task { await agent.run() }
            } catch {
                let isNew = trial.failed(error, with: membership)
                if isNew { say("The records of this machine cannot be opened, so no call will pass.", trial.error) }
                if isNew { await close(.broken(membership, trial.error)) }
            }
        }
        await stop(running)
    }

    private func stop(_ task: Task<Void, Never>?) async {
        guard let task else { return }
        task.cancel()
        await task.value
        await close(.none)
    }

    private func close(_ situation: Situation) async {
        current.withLock { $0 = situation }
        credentials.use(nil)
        if case .broken(_, let error) = situation {
            await board.close(because: error.message)
        } else {
            await board.close()
        }
    }

    private func say(_ words: Logger.Message, _ error: any ExplainedError) {
        parts.logger.error(words, metadata: ["error": "\(error.message)", "next": "\(error.next ?? "")"])
    }
}

/// What could not be opened, and when it is tried again.
private struct Trial {
    private var membership: Membership?
    private var backoff = Backoff(first: .seconds(1), longest: .seconds(30))
    private var next: ContinuousClock.Instant?
    private(set) var error: any ExplainedError = AgentError(code: "unknown", message: "", next: nil)

    /// Whether this is news.
    mutating func failed(_ error: any Error, with membership: Membership?) -> Bool {
        let known = error as? any ExplainedError
        let explained = known ?? AgentError(code: "unknown", message: "\(error)", next: "doorward status")
        let isNew = next == nil || explained.message != self.error.message || membership != self.membership
        if membership != self.membership { backoff.reset() }
        self.error = explained
        self.membership = membership
        next = .now + backoff.failed(chance: .random(in: 0...1))
        return isNew
    }

    mutating func ended() {
        next = nil
        membership = nil
        backoff.reset()
    }

    /// Whether opening this one has just failed: damaged records are large, and stay as they are.
    func isToWait(for other: Membership?) -> Bool {
        guard let next, other != nil, other == membership else { return false }
        return ContinuousClock.now < next
    }
}
