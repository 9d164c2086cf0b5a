import AgentState
import AuditLog
import Contract
import Fetch
import Foundation
import Keyring
import Policy
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

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

    private func sync(
        _ told: Told,
        watch: OrgWatch? = nil,
        standing: MembershipStanding? = nil
    ) throws -> PolicySync {
        try PolicySync(
            client: CoordinatorClient(
                machine.membership,
                key: MachineKey(machine.membership, secrets: secrets),
                fetcher: Fetcher(),
                standing: standing
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
            try model.answer(
                machine.membership.agentID,
                counter: counter,
                version: version,
                aliases: ["one"],
                from: org
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

    @Test("What is older than what is in force is stale, and the next good answer is taken")
    func stale() async throws {
        let told = Told()
        let sync = try sync(told)
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        try publish(2, version: 3)
        #expect(await eventually { told.saw(3) })
        try publish(1, version: 1)
        #expect(await eventually { told.saw { if case .stale = $0 { true } else { false } } })
        #expect(sync.state.bundle?.version == 3)
        #expect(sync.state.counter == 2)
        try publish(4, version: 4)
        #expect(await eventually { told.saw(4) })
        #expect(sync.condition == .online)
    }

    @Test("A coordinator that was set back is untrusted once its log goes on otherwise, however low its counter")
    func setBack() async throws {
        let told = Told()
        let sync = try sync(told)
        func leaf() -> OrgLeaf.Body { .keyRevoke(agent: "a", key: SigningKey().publicKey.fingerprint, why: "w") }
        for _ in 0..<3 { _ = try server.model.withLock { try $0.append(leaf()) } }
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        try publish(9, version: 4)
        #expect(await eventually { told.saw(4) })
        let sizes = [(leaves: 2, isTrusted: true), (5, false)]
        for (leaves, isTrusted) in sizes {
            var model = server.model.withLock { $0 }
            model.restore(size: 1)
            while model.orgLeaves.count < leaves { _ = try model.append(leaf()) }
            let answer = try model.answer(
                machine.membership.agentID,
                counter: 2,
                version: 1,
                from: UInt64(min(3, leaves))
            )
            server.news.withLock { $0.append(answer) }
            #expect(
                await eventually {
                    switch sync.condition {
                    case .stale: isTrusted
                    case .untrusted: !isTrusted
                    default: false
                    }
                }
            )
        }
        #expect(OrgEvidence.load(machine.membership, home: scratch.home) != nil)
        #expect(sync.state.bundle?.version == 4)
        // The true one again.
        try publish(10, version: 5, org: 3)
        #expect(await eventually { told.saw(5) })
        #expect(OrgEvidence.load(machine.membership, home: scratch.home) == nil)
    }

    @Test("After an answer that is not whole everything is asked for, and the next good one is taken")
    func unproven() async throws {
        let told = Told()
        let sync = try sync(told)
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        try publish(2, version: 1)
        #expect(await eventually { told.saw(1) })
        #expect(await eventually { server.seen.withLock { $0.last?.query.hasPrefix("after=2&") ?? false } })
        let good = try server.model.withLock {
            try $0.answer(machine.membership.agentID, counter: 3, version: 2)
        }
        server.news.withLock { $0.append(good.with(binding: .some(nil))) }
        #expect(await eventually { told.saw { if case .unproven = $0 { true } else { false } } })
        #expect(await eventually { server.seen.withLock { $0.last?.query.hasPrefix("after=0&") ?? false } })
        #expect(sync.state.bundle?.version == 1)
        server.news.withLock { $0.append(good) }
        #expect(await eventually { told.saw(2) })
        #expect(sync.condition == .online)
    }

    @Test("Once it has contradicted itself nothing is taken from a coordinator, until its log is restarted")
    func contradiction() async throws {
        let told = Told()
        let watch = try OrgWatch(machine.membership, home: scratch.home)
        let sync = try sync(told, watch: watch)
        let id = machine.membership.agentID
        func leaf() -> OrgLeaf.Body { .keyRevoke(agent: "a", key: machine.key.publicKey.fingerprint, why: "w") }
        for _ in 0..<3 { _ = try server.model.withLock { try $0.append(leaf()) } }
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        try publish(2, version: 1)
        #expect(await eventually { told.saw(1) })
        var liar = ModelCoordinator(host: "127.0.0.1", key: server.model.withLock { $0.key })
        for _ in 0..<3 { _ = try liar.append(leaf()) }
        let lie = try liar.answer(id, counter: 3, version: 3, from: 3)
        server.news.withLock { $0.append(lie) }
        #expect(await eventually { watch.isBroken })
        // Not even what is signed and fits.
        try publish(4, version: 4, org: 3)
        #expect(await eventually { server.news.withLock { $0.isEmpty } })
        try server.model.withLock { try $0.restart(as: 9) }
        let anew = try server.model.withLock { model in
            try model.answer(id, counter: 1, version: 7, from: 3)
                .with(restart: try model.restartIndex.map { try model.proven($0) })
        }
        server.news.withLock { $0.append(anew) }
        #expect(await eventually { told.saw(7) })
        #expect(!told.saw(3) && !told.saw(4))
        #expect(!watch.isBroken && watch.epoch == 9)
        #expect(await eventually { sync.condition == .online })
        #expect(await eventually { server.seen.withLock { $0.last?.query.contains("after=1&") ?? false } })
        #expect(server.seen.withLock { $0.last?.query.contains("epoch=9") ?? false })
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

    @Test("A status alone revokes nothing: it is asked again, and what is in force stays")
    func unsignedRevocation() async throws {
        let told = Told()
        let standing = try MembershipStanding(machine.membership, home: scratch.home)
        let sync = try sync(told, standing: standing)
        server.signsRevocations.withLock { $0 = false }
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = true }
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        #expect(await eventually { sync.condition == .refused("revoked_key") })
        #expect(standing.trouble == nil)
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = false }
        try publish(2, version: 1)
        sync.retry()
        #expect(await eventually { told.saw(1) && sync.condition == .online })
    }

    @Test("The coordinator's signed word revokes for good: nothing more is asked, nor taken")
    func signedRevocation() async throws {
        let told = Told()
        let standing = try MembershipStanding(machine.membership, home: scratch.home)
        let sync = try sync(told, standing: standing)
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = true }
        let running = Task { try await sync.run() }
        defer { running.cancel() }
        #expect(await eventually { sync.condition == .revoked })
        #expect(standing.trouble == .revoked)
        let count = server.count("/v1/agent/bundle")
        // A proxy on the way that lets an answer through opens nothing.
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = false }
        try publish(2, version: 1)
        sync.retry()
        try await Task.sleep(for: .milliseconds(100))
        #expect(server.count("/v1/agent/bundle") == count)
        #expect(sync.condition == .revoked && !told.saw(1))
    }

    @Test("What was kept and cannot be read now is not nothing: an older answer would be news")
    func unreadable() throws {
        // A folder at its place: no user can read it, not even root.
        try FileManager.default.createDirectory(
            atPath: "\(scratch.home.state)/sync.json",
            withIntermediateDirectories: true
        )
        #expect(throws: FileError.self) { try sync(Told()) }
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
