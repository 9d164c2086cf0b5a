internal import CoordinatorLink
internal import Forwarding
internal import Logging
internal import ServiceKit
internal import ServiceLifecycle
internal import Synchronization

/// Runs the part of the agent that belongs to a coordinator for as long as this machine is enrolled, and again after
/// another `doorward login`.
final class Supervisor: Service {
    private let parts: AgentParts
    private let board: DataPathBoard
    private let forwarding: ForwardingService
    private let credentials: VaultCredentials
    private let current = Mutex<EnrolledAgent?>(nil)
    private let settling = Mutex(false)
    private let reloads: AsyncStream<Void>
    private let reload: AsyncStream<Void>.Continuation

    init(_ parts: AgentParts, board: DataPathBoard, forwarding: ForwardingService, credentials: VaultCredentials) {
        self.parts = parts
        self.board = board
        self.forwarding = forwarding
        self.credentials = credentials
        (reloads, reload) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The enrolled agent that runs now.
    var agent: EnrolledAgent? { current.withLock { $0 } }

    /// Waits until it is known what calls will meet: no membership, or one whose policy is in force and whose key is read.
    ///
    /// A keyring that is locked or hangs is not waited for: then calls are told so.
    func settle(atMost time: Duration) async {
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline, !Task.isCancelled {
            if settling.withLock({ $0 }), agent?.isSettled ?? true { return }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Looks at once what commands have changed on disk.
    func look() { reload.yield() }

    /// Takes what commands have changed on disk, and waits until it runs so; no longer than `time`.
    func look(atMost time: Duration) async {
        look()
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline, !Task.isCancelled {
            if agent?.membership == (try? Membership.load(parts.home)) { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                // A command that cannot reach the socket is noticed a little later.
                group.addTask {
                    while (try? await Task.sleep(for: .seconds(1))) != nil { self.look() }
                }
                await self.follow()
                group.cancelAll()
            }
        }
    }

    /// Starts and ends enrolled agents as the membership on disk wants it, until the task is cancelled.
    private func follow() async {
        var running: (membership: Membership, task: Task<Void, Never>)?
        look()
        for await _ in reloads {
            let membership = load()
            defer { settling.withLock { $0 = true } }
            if membership == running?.membership { continue }
            await stop(running?.task)
            running = nil
            guard let membership, !Task.isCancelled else { continue }
            do {
                let agent = try EnrolledAgent(membership, parts: parts, board: board, forwarding: forwarding)
                current.withLock { $0 = agent }
                credentials.use(agent.vault)
                running = (membership, Task { await agent.run() })
            } catch {
                let error = error as? any ExplainedError
                parts.logger.error(
                    "The records of this machine cannot be opened, so no call will pass.",
                    metadata: ["error": "\(error?.message ?? "unknown")", "next": "\(error?.next ?? "")"]
                )
                try? await Task.sleep(for: .seconds(1))
            }
        }
        await stop(running?.task)
    }

    private func stop(_ task: Task<Void, Never>?) async {
        guard let task else { return }
        task.cancel()
        await task.value
        current.withLock { $0 = nil }
        credentials.use(nil)
        await board.close()
    }

    private func load() -> Membership? {
        do {
            return try Membership.load(parts.home)
        } catch {
            parts.logger.error("The membership cannot be read.", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
