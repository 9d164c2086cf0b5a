import AgentState
import AuditLog
import Contract
import Errors
import Fetch
import Foundation
import Keyring
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorLink

/// A coordinator that changes, is restored from backups and restarts its log, as seen by one agent and by a proxy on
/// the way.
private struct Way {
    var coordinator: ModelCoordinator
    let id: String
    private var version = 0
    private var counter = 1
    private var aliases: [String] = []
    private var epoch = 0
    /// A state of all of it that is restored some day.
    private var backup: (leaves: Int, version: Int, counter: Int, aliases: [String])?
    /// Every honest answer that was ever given.
    private(set) var given: [SyncAnswer] = []

    init(_ coordinator: ModelCoordinator, id: String) {
        self.coordinator = coordinator
        self.id = id
    }

    /// What an agent has that obeys the newest answer.
    var newest: [String] { ["\(epoch)", "\(counter)", "\(version)"] + aliases }

    mutating func change(_ random: inout some RandomNumberGenerator) throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            version += 1
            counter += 1
        case 4..<7:
            aliases = (0..<Int.random(in: 0..<3, using: &random)).map { "s\($0)" }
            counter += 1
        case 7: backup = (coordinator.orgLeaves.count, version, counter, aliases)
        case 8:
            guard let backup else { break }
            coordinator.restore(size: backup.leaves)
            (version, counter, aliases) = (backup.version, backup.counter, backup.aliases)
            epoch += Int.random(in: 1...3, using: &random)
            // What the backup has forgotten is never used again.
            try coordinator.restart(as: epoch)
            self.backup = nil
        default:
            epoch += 1
            try coordinator.restart(as: epoch)
        }
        _ = try coordinator.append(.keyRevoke(agent: "a", key: coordinator.key.publicKey.fingerprint, why: "w"))
    }

    /// What the coordinator answers.
    mutating func honest(_ question: OrgHead?, after: Int) throws -> SyncAnswer {
        let answer = try coordinator.answer(
            id,
            counter: counter,
            version: version,
            made: given.count,
            aliases: aliases,
            from: question?.checkpoint.size ?? 0
        )
        let isEarlier = (question?.epoch ?? 0) < epoch
        let whole = answer.with(
            restart: isEarlier ? try coordinator.restartIndex.map { try coordinator.proven($0) } : nil
        )
        given.append(whole)
        // A machine that has everything is told only its person.
        return after == counter && !isEarlier ? whole.with(bundle: .some(nil), entries: .some(nil)) : whole
    }

    /// What a proxy on the way makes of all that it has seen.
    mutating func lie(_ question: OrgHead?, _ random: inout some RandomNumberGenerator) throws -> SyncAnswer {
        let now = try honest(question, after: 0)
        guard let old = given.randomElement(using: &random) else { return now }
        return switch Int.random(in: 0..<11, using: &random) {
        case 0, 1: old
        case 2: now.with(binding: .some(nil))
        case 3: now.with(binding: old.binding)
        case 4: now.with(bundle: old.bundle, entries: old.entries)
        case 5: now.with(state: old.state)
        case 6: old.with(org: now.orgCheckpoint, consistency: now.consistency, restart: now.restart)
        case 7: now.with(consistency: .some(nil), restart: .some(nil))
        case 8: now.with(restart: old.restart)
        case 9: now.with(state: Self.damaged(now.state, &random))
        default: try coordinator.answer("a-aaaaaaaaaaaaaaaa", counter: counter + 50, version: version + 50)
        }
    }

    private static func damaged(_ text: String, _ random: inout some RandomNumberGenerator) -> String {
        var bytes = Array(text.utf8)
        bytes[Int.random(in: bytes.indices, using: &random)] ^= 1
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite("Honest and lying answers in any order")
struct SyncSimulationTests {
    /// More of them with DOORWARD_SEEDS.
    private static let seeds = ProcessInfo.processInfo.environment["DOORWARD_SEEDS"].flatMap(UInt64.init) ?? 20

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static func held(_ sync: PolicySync, _ watch: OrgWatch) -> [String] {
        let state = sync.state
        return ["\(watch.epoch)", "\(state.counter)", "\(state.bundle?.version ?? 0)"] + state.entries.map(\.alias)
    }

    /// The agent asks and is answered, once more where it wants to ask about something else first.
    private func honest(_ way: inout Way, _ sync: PolicySync, _ watch: OrgWatch, after: Int) async throws {
        for isAgain in [false, true] {
            let question = watch.question()
            let answer = try way.honest(question, after: after)
            do {
                return try await sync.take(answer, to: question)
            } catch let error as LinkError where error.kind == .unproven && watch.asksAgain && !isAgain {
                continue
            }
        }
    }

    @Test("Whatever came before, the next honest answer is in force, and nothing half ever was", arguments: 0..<seeds)
    func simulation(seed: UInt64) async throws {
        var random = Generator(state: seed)
        let scratch = try Scratch()
        var model = ModelCoordinator()
        let membership = Machine(&model).membership
        // As the enrolment leaves it.
        _ = try model.append(.keyRevoke(agent: "a", key: model.key.publicKey.fingerprint, why: "w"))
        let head = try OrgHead(try model.head(), origin: membership.origin, key: membership.coordinatorKey)
        try OrgWatch.begin(with: head, home: scratch.home)
        var way = Way(model, id: membership.agentID)
        var published: Set<[String]> = [["0", "0", "0"]]

        func start() throws -> (PolicySync, OrgWatch) {
            let watch = try OrgWatch(membership, home: scratch.home)
            let sync = try PolicySync(
                client: CoordinatorClient(
                    membership,
                    key: MachineKey(membership, secrets: MemorySecretStore()),
                    fetcher: Fetcher()
                ),
                home: scratch.home,
                watch: watch,
                logger: .silent,
                onChange: { _ in }
            )
            return (sync, watch)
        }
        var (sync, watch) = try start()
        for _ in 0..<40 {
            for _ in 0..<Int.random(in: 0..<3, using: &random) { try way.change(&random) }
            published.insert(way.newest)
            var isRefused = false
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                let question = watch.question()
                do {
                    let lie = try way.lie(question, &random)
                    try await sync.take(lie, to: question)
                } catch let error as LinkError {
                    #expect([.stale, .unproven, .untrusted].contains(error.kind))
                    isRefused = true
                }
                let held = Self.held(sync, watch)
                #expect(published.contains(held), "\(held) was never said, seed \(seed)")
            }
            #expect(!watch.isBroken)
            // Now and then the agent ends and starts again.
            if Bool.random(using: &random) { (sync, watch) = try start() }
            // Receipts of uploads show more of the log, in between.
            if Bool.random(using: &random) {
                do {
                    try watch.claimed(try way.coordinator.head())
                } catch let error as LinkError {
                    #expect(error.kind == .unproven, "only a restart that is not known yet")
                }
            }
            let after = isRefused ? 0 : sync.state.counter
            try await honest(&way, sync, watch, after: after)
            #expect(Self.held(sync, watch) == way.newest, "seed \(seed)")
            #expect(OrgEvidence.load(membership, home: scratch.home) == nil)
        }
        let kept = PolicySync.lastState(membership, home: scratch.home)
        #expect(kept.counter == sync.state.counter && kept.bundle == sync.state.bundle)
    }
}
