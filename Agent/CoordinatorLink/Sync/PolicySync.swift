package import AgentState
internal import AuditLog
internal import Bytes
internal import Contract
internal import Errors
package import Logging
internal import Policy
internal import ServiceKit
internal import ServiceLifecycle
internal import StrictJSON
internal import Synchronization
internal import TransparencyLog

/// Holds a poll with the coordinator, so that a change of the policy is here within moments.
///
/// What comes is verified, then kept, then told; what cannot be verified changes nothing. Offline, what was kept stays
/// in force until it expires.
package final class PolicySync: Service, CustomStringConvertible {
    package let description = "policy sync"

    private let client: CoordinatorClient
    private let home: AgentHome
    private let watch: OrgWatch
    private let logger: Logger
    private let onChange: @Sendable (SyncedState) async -> Void
    private let onCondition: @Sendable (LinkCondition) -> Void
    private let onContact: @Sendable () -> Void
    private let documents: Mutex<SyncDocuments>
    private let status = Mutex(LinkCondition.connecting)
    private let retries = Signal()

    private var path: String { home.path(.sync) }

    /// What a poll without news takes at least.
    private static let shortestPoll = Duration.milliseconds(500)
    /// Longer than the coordinator holds a poll.
    private static let timeout = Duration.seconds(40)
    /// The longest wait after an answer that was not taken: the next one may be good.
    private static let soon = Duration.seconds(5)
    /// How long the whole of what an agent obeys may be.
    private static let longest = 8 << 20

    /// A sync that begins with what was kept.
    ///
    /// - Parameters:
    ///   - client: Asks the coordinator.
    ///   - home: Where it is kept.
    ///   - watch: Watches the organisation's log.
    ///   - logger: Learns of what could not be taken.
    ///   - onChange: Told once at the start and at each change, after it was kept; the next poll waits for its end.
    ///   - onCondition: Told when the state of the link to the coordinator changes.
    ///   - onContact: Told after each answer that was taken, also of one without news.
    /// - Throws: `FileError` where it is not known what was kept. The agent must not take it for nothing: an agent that
    ///   knows nothing would accept an older answer as news.
    package init(
        client: CoordinatorClient,
        home: AgentHome,
        watch: OrgWatch,
        logger: Logger,
        onChange: @escaping @Sendable (SyncedState) async -> Void,
        onCondition: @escaping @Sendable (LinkCondition) -> Void = { _ in },
        onContact: @escaping @Sendable () -> Void = {}
    ) throws {
        self.client = client
        self.home = home
        self.watch = watch
        self.logger = logger
        self.onChange = onChange
        self.onCondition = onCondition
        self.onContact = onContact
        documents = Mutex(SyncDocuments(client.membership))
        guard let bytes = try DurableFile.read(home.path(.sync), maxBytes: Self.longest) else { return }
        do {
            let json = try JSONValue(parsing: bytes, limits: .reply)
            try documents.withLock { try $0.takeKept(json) }
        } catch {
            logger.warning("The last policy cannot be read; nothing is allowed until it comes anew.")
        }
    }

    /// What is in force.
    package var state: SyncedState { documents.withLock { $0.state } }

    /// The state of the link to the coordinator.
    package var condition: LinkCondition { status.withLock { $0 } }

    /// The last policy of a home, for those who only look: verified, like everything else.
    package static func lastState(_ membership: Membership, home: AgentHome) -> SyncedState {
        var documents = SyncDocuments(membership)
        if let bytes = try? DurableFile.read(home.path(.sync), maxBytes: longest),
            let json = try? JSONValue(parsing: bytes, limits: .reply)
        {
            try? documents.takeKept(json)
        }
        return documents.state
    }

    /// Asks now, without waiting for the next try.
    package func retry() { retries.notify() }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await onChange(state)
            var backoff = Backoff()
            var retry = retries.version
            while !Task.isCancelled {
                if let standing = client.standing, standing.isRevoked {
                    // For good: nothing that comes after the coordinator's own word would be from it.
                    move(to: .revoked)
                    standing.keepAgain()
                    retry = await retries.wait(after: retry, atMost: .seconds(60))
                    continue
                }
                do {
                    let (began, known) = (ContinuousClock.now, state.counter)
                    try await poll()
                    onContact()
                    backoff.reset()
                    move(to: .online)
                    // A coordinator holds a question for news; something on the way that answers for it must not make us
                    // ask without end.
                    if state.counter == known, ContinuousClock.now - began < Self.shortestPoll {
                        retry = await retries.wait(after: retry, atMost: Self.shortestPoll)
                    }
                } catch {
                    if Task.isCancelled { return }
                    let pause = backoff.failed(chance: .random(in: 0...1))
                    retry = await retries.wait(after: retry, atMost: react(to: error, pause))
                }
            }
        }
    }

    /// One poll: returns when it was answered and what it brought is in force.
    func poll() async throws {
        do {
            try await ask()
        } catch let error as LinkError where error.kind == .unproven && watch.asksAgain {
            try await ask()
        }
    }

    private func ask() async throws {
        let question = watch.question()
        let unreported = watch.unreported
        // Where it is not known whether the coordinator can be heard, everything is asked for: that is answered at once,
        // while a question for news may be held. So it is after an answer that was not taken.
        let isKnown = condition == .online && documents.withLock { $0.epoch } == watch.epoch
        var query =
            "after=\(isKnown ? state.counter : 0)&policy=\(state.bundle?.version ?? 0)&release=\(Release.version)"
        if watch.epoch > 0 { query += "&epoch=\(watch.epoch)" }
        if let question { query += "&org=\(question.checkpoint.size)" }
        if let unreported { query += "&seen=\(Base64.url(unreported.note.utf8))" }
        let response = try await client.request(
            method: "GET",
            path: "/v1/agent/bundle",
            query: query,
            timeout: Self.timeout,
            maxBytes: Self.longest
        )
        let json = try CoordinatorAnswer.json(response)
        if let unreported { watch.reported(unreported) }
        guard let json else { return }
        let answer: SyncAnswer
        do {
            answer = try SyncAnswer(json)
        } catch {
            throw LinkError(.unproven, "the coordinator's answer holds what this release does not know: \(error)")
        }
        try await take(answer, to: question)
    }

    /// Verifies an answer, keeps it and tells of it.
    func take(_ answer: SyncAnswer, to question: OrgHead?) async throws {
        var next = documents.withLock { $0 }
        let proof = (answer.consistency ?? []).compactMap { Hash($0) }
        do throws(LinkError) {
            try next.take(answer, now: client.now)
        } catch {
            // What is signed of the log counts all the same: a coordinator that was set back shows another history soon.
            if error.kind == .stale { try watch.compared(answer.orgCheckpoint, to: question, proof: proof) }
            throw error
        }
        let restart = try watch.answered(answer.orgCheckpoint, to: question, proof: proof, restart: answer.restart)
        if let restart {
            logger.warning(
                "The coordinator's log was restarted; what was seen of it before is kept.",
                metadata: ["epoch": "\(restart.epoch)", "why": "\(restart.why)", "leaves": "\(restart.base.size)"]
            )
        }
        do {
            try DurableFile.write(next.kept.bytes, to: path)
        } catch {
            // It is obeyed all the same; a restart would go back to what was kept before, until the next answer.
            logger.error("The policy could not be kept.", metadata: ["error": "\(error)"])
        }
        documents.withLock { $0 = next }
        await onChange(next.state)
    }

    /// How long to wait after an error.
    private func react(to error: any Error, _ pause: Duration) -> Duration {
        switch error {
        case let error as LinkError where error.kind == .untrusted:
            logger.error("The coordinator's answer was not taken.", metadata: ["error": "\(error.message)"])
            move(to: .untrusted(error.message))
            return min(pause, Self.soon)
        case let error as LinkError where error.kind == .stale || error.kind == .unproven:
            logger.warning("The coordinator's answer was not taken.", metadata: ["error": "\(error.message)"])
            move(to: error.kind == .stale ? .stale(error.message) : .unproven(error.message))
            return min(pause, Self.soon)
        case let error as LinkError where error.isOfKeyring:
            move(to: error.kind == .keyMissing ? .keyMissing : .locked)
            return .seconds(1)
        case let problem as Problem where problem.status == 401:
            if client.standing?.isRevoked == true { return .zero }
            // A status alone is anybody's who is on the way: it is asked again, and calls go on.
            logger.warning("The coordinator does not take this machine.", metadata: ["code": "\(problem.code)"])
            move(to: .refused(problem.code))
            // Nothing that this machine does will change that; a user may enrol it again.
            return [.revoked, .unknown].contains(problem.code) ? max(pause, .seconds(15)) : pause
        case let problem as Problem:
            // A status without a proof is anybody's who is on the way: what it says of itself is not repeated.
            move(to: .offline("its address answers with HTTP \(problem.status)"))
            return pause
        default:
            move(to: .offline((error as? any ExplainedError)?.message ?? "\(error)"))
            return pause
        }
    }

    private func move(to condition: LinkCondition) {
        let isNew = status.withLock { status in
            defer { status = condition }
            return status != condition
        }
        guard isNew else { return }
        logger.info("How it stands with the coordinator has changed.", metadata: ["state": "\(condition)"])
        onCondition(condition)
    }
}

extension String {
    fileprivate static let revoked = SignatureRefusal.revokedKey.rawValue
    fileprivate static let unknown = SignatureRefusal.unknownKey.rawValue
}
