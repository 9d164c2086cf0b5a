import AuditLog
import Contract
import Fetch
import Keyring
import Policy
import ServiceKit
import StrictJSON
import Synchronization
import Testing

@testable import CoordinatorLink

@Suite("Sync")
struct PolicySyncTests {
    private let server: CoordinatorServer
    private let machine: Machine
    private let scratch: Scratch
    private let secrets = MemorySecretStore()

    init() async throws {
        server = try CoordinatorServer()
        scratch = try Scratch()
        let url = server.url
        machine = server.model.withLock { Machine(&$0, url: url) }
        try await secrets.write(SecretName("signing-key/1"), machine.key.seed, label: "", prompting: false)
    }

    /// What a sync told, in order.
    private final class Told: Sendable {
        let versions = Mutex<[Int]>([])
        let conditions = Mutex<[LinkCondition]>([])

        func saw(_ version: Int) -> Bool { versions.withLock { $0.contains(version) } }
        func saw(_ matches: (LinkCondition) -> Bool) -> Bool { conditions.withLock { $0.contains(where: matches) } }
    }

    private func sync(_ told: Told, watch: OrgWatch? = nil) throws -> PolicySync {
        PolicySync(
            client: CoordinatorClient(
                machine.membership,
                key: MachineKey(machine.membership, secrets: secrets),
                fetcher: Fetcher()
            ),
            home: scratch.home,
            watch: try watch ?? OrgWatch(machine.membership, home: scratch.home),
            logger: .silent,
            onChange: { state in told.versions.withLock { $0.append(state.bundle?.version ?? 0) } },
            onCondition: { condition in told.conditions.withLock { $0.append(condition) } }
        )
    }

    private func publish(_ counter: Int, version: Int, org: UInt64 = 0) throws {
        let answer = try server.model.withLock { model in
            SyncAnswer(
                counter: counter,
                bundle: try model.bundle(version),
                binding: try model.binding(machine.membership.agentID, sub: "u-1", counter: counter),
                entries: try model.entries(machine.membership.agentID, counter: counter, "one"),
                orgCheckpoint: try model.head(),
                consistency: try model.consistency(from: org)
            )
        }
        server.news.withLock { $0.append(answer) }
    }

    @Test("What is published is told within moments, kept, and told again at the next start without a coordinator")
    func publishes() async throws {
        let told = Told()
        let sync = try sync(told)
        let running = Task { try await sync.run() }
        #expect(await eventually { told.saw { $0 == .online } })
        #expect(told.versions.withLock { $0 } == [0])
        let start = ContinuousClock.now
        try publish(2, version: 1)
        #expect(await eventually { told.saw(1) })
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(sync.state.entries.map(\.alias) == ["one"])
        _ = try server.model.withLock {
            try $0.append(.keyRevoke(agent: "a", key: machine.key.publicKey.fingerprint, why: "w"))
        }
        try publish(3, version: 2)
        #expect(await eventually { told.saw(2) })
        let queries = server.seen.withLock { $0.map(\.query) }
        #expect(queries.contains { $0.contains("after=2&") && $0.contains("policy=1&") && $0.contains("release=") })
        running.cancel()
        _ = await running.result

        server.stop()
        let offline = Told()
        let again = try self.sync(offline)
        #expect(again.state.bundle?.version == 2)
        let second = Task { try await again.run() }
        #expect(await eventually { offline.saw(2) && offline.saw { if case .offline = $0 { true } else { false } } })
        second.cancel()
        _ = await second.result
        #expect(PolicySync.lastState(machine.membership, home: scratch.home).bundle?.version == 2)
    }

    @Test("What cannot be believed changes nothing, and the next good answer is taken")
    func untrusted() async throws {
        let told = Told()
        let sync = try sync(told)
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        try publish(2, version: 3)
        #expect(await eventually { told.saw(3) })
        try publish(3, version: 1)
        #expect(await eventually { told.saw { if case .untrusted = $0 { true } else { false } } })
        #expect(sync.state.bundle?.version == 3)
        #expect(sync.state.counter == 2)
        try publish(4, version: 4)
        #expect(await eventually { told.saw(4) })
        #expect(sync.condition == .online)
    }

    @Test("Once it has contradicted itself nothing is taken from a coordinator, not even what is signed")
    func contradiction() async throws {
        let told = Told()
        let watch = try OrgWatch(machine.membership, home: scratch.home)
        let sync = try sync(told, watch: watch)
        for _ in 0..<3 {
            _ = try server.model.withLock {
                try $0.append(.keyRevoke(agent: "a", key: machine.key.publicKey.fingerprint, why: "w"))
            }
        }
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        try publish(2, version: 1)
        #expect(await eventually { told.saw(1) })
        var liar = ModelCoordinator(host: "127.0.0.1", key: server.model.withLock { $0.key })
        for _ in 0..<5 { _ = try liar.append(.keyRevoke(agent: "b", key: machine.key.publicKey.fingerprint, why: "w")) }
        for counter in 3...4 {
            let answer = SyncAnswer(
                counter: counter,
                bundle: try liar.bundle(counter),
                binding: nil,
                entries: nil,
                orgCheckpoint: try counter == 3 ? liar.head() : server.model.withLock { try $0.head() },
                consistency: try counter == 3 ? liar.consistency(from: 3) : []
            )
            server.news.withLock { $0.append(answer) }
            #expect(await eventually { server.news.withLock { $0.isEmpty } })
        }
        #expect(await eventually { watch.isBroken })
        try await Task.sleep(for: .milliseconds(100))
        #expect(sync.state.bundle?.version == 1)
        #expect(!told.saw(3) && !told.saw(4))
    }

    @Test("A locked keyring is waited for; an unlocking is taken by itself")
    func locked() async throws {
        secrets.condition = .locked
        let told = Told()
        let sync = try sync(told)
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        #expect(await eventually { sync.condition == .locked })
        #expect(server.count("/v1/agent/bundle") == 0)
        secrets.condition = .open
        try publish(2, version: 1)
        #expect(await eventually { told.saw(1) })
    }

    @Test("A key that is revoked is said so, and what was in force is not extended")
    func revoked() async throws {
        let told = Told()
        let sync = try sync(told)
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = true }
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        #expect(await eventually { sync.condition == .refused("revoked_key") })
    }
}
