import AgentState
import AuditLog
import Bytes
import Contract
import Errors
import Fetch
import Keyring
import ServiceKit
import ServiceLifecycle
import Spool
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("Shipping")
struct AuditShipperTests {
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

    private func spool(_ scratch: Scratch? = nil) throws -> Spool {
        var configuration = SpoolConfiguration()
        configuration.reserveBytes = 1 << 20
        let home = (scratch ?? self.scratch).home
        return try Spool(
            folder: home.spool(agent: machine.membership.agentID),
            writer: machine.writer(),
            configuration: configuration,
            logger: .silent
        )
    }

    private var client: CoordinatorClient {
        CoordinatorClient(
            machine.membership,
            key: MachineKey(machine.membership, secrets: secrets),
            fetcher: Fetcher()
        )
    }

    private func shipper(_ spool: Spool, _ watch: OrgWatch? = nil) throws -> AuditShipper {
        AuditShipper(
            client: client,
            spool: spool,
            watch: try watch ?? OrgWatch(machine.membership, home: scratch.home),
            logger: .silent
        )
    }

    private var stored: [JSONValue] {
        server.model.withLock { $0.agents[machine.membership.agentID]?.records ?? [] }
            .compactMap { try? JSONValue(canonical: $0) }
    }

    private func beat(_ number: Int) -> RecordBody { .agentHeartbeat(calls: number, notifications: 0, pings: 0) }

    private func isDone(_ spool: Spool) -> Bool { spool.counts.recorded == spool.counts.countersigned }

    @Test("What is recorded is with the coordinator after a second, in order, and countersigned here")
    func ships() async throws {
        let spool = try spool()
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        // Two full uploads and one that is not.
        let count = Int(UploadMachine.batch) * 2 + 100
        for number in 0..<count { try spool.record(beat(number)) }
        #expect(await eventually { isDone(spool) })
        #expect(stored.compactMap { $0["calls"]?.int } == Array(0..<count))
        #expect(server.count("/v1/agent-log") < 12)
        let edge = spool.frontier
        try spool.record(beat(count))
        #expect(await eventually { isDone(spool) })
        running.cancel()
        _ = await running.result
        spool.close()
        let again = try self.spool()
        #expect(again.frontier.size == edge.size + 1)
        again.close()
    }

    @Test("An upload whose answer is lost is stored once")
    func lostAnswer() async throws {
        let spool = try spool()
        server.happens(.loseAnswer, .loseAnswer, to: "/v1/agent-log")
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        for number in 0..<5 { try spool.record(beat(number)) }
        #expect(await eventually { isDone(spool) })
        #expect(stored.compactMap { $0["calls"]?.int } == Array(0..<5))
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("A coordinator that is away costs nothing but delay")
    func away() async throws {
        let spool = try spool()
        server.happens(.refuse, .refuse, .refuse, to: "/v1/agent-log")
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        for number in 0..<5 { try spool.record(beat(number)) }
        #expect(await eventually { isDone(spool) })
        #expect(await shipper.drain(within: .seconds(1)) == .all)
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("A receipt that proves nothing countersigns nothing", arguments: 0..<6)
    func forgedReceipt(kind: Int) async throws {
        let spool = try spool()
        try spool.record(beat(0))
        // A receipt that was true once, of the first record.
        #expect(try await ship(spool))
        let old = try server.model.withLock { model in
            guard let kept = model.agents[machine.membership.agentID]?.notes[1] else { throw LinkError(.pending, "") }
            return LogReceipt(
                size: 1,
                cosignature: String((kept.note.signatures.last?.line ?? "").dropLast()),
                orgCheckpoint: try model.head(),
                leaf: try model.proven(kept.index)
            )
        }
        try spool.record(beat(1))
        var liar = ModelCoordinator(host: "127.0.0.1")
        liar.agents = server.model.withLock { $0.agents }
        let bad: JSONValue
        switch kind {
        case 0: bad = old.json
        case 1:
            bad =
                LogReceipt(size: 2, cosignature: old.cosignature, orgCheckpoint: old.orgCheckpoint, leaf: old.leaf).json
        case 2: bad = [:]
        case 3:
            bad = [
                "size": 2, "cosignature": "\u{2014} x AAAA", "org_checkpoint": "", "leaf": "", "index": 0, "proof": [],
            ]
        case 4:
            // All of it right, by another key.
            let batch = try await spool.batch(from: 0, atMost: 2)
            var edge = MerkleFrontier()
            for hash in batch.hashes { edge.append(hash: hash) }
            let note = try Checkpoint(origin: machine.membership.logOrigin, size: 2, root: edge.root).signed(
                by: machine.key
            )
            let records = batch.lines.split(separator: UInt8(ascii: "\n")).dropFirst()
            let body = LogUpload(old: 1, note: note.bytes, records: Array(records)).bytes
            guard case .json(let json) = try liar.take(body, from: machine.membership.agentID) else { return }
            bad = json
        default: bad = ["size": 2, "cosignature": .text(old.cosignature), "org_checkpoint": .text(old.orgCheckpoint)]
        }
        server.happens(.answer(.json(bad)), to: "/v1/agent-log")
        let client = client
        let watch = try OrgWatch(machine.membership, home: scratch.home)
        let shipper = AuditShipper(client: client, spool: spool, watch: watch, logger: .silent)
        let before = server.count("/v1/agent-log")
        // The first question of this run, and then the upload, get the forged answer.
        server.happens(.answer(.json(bad)), to: "/v1/agent-log")
        let running = Task { try await shipper.run() }
        #expect(await eventually { server.count("/v1/agent-log") >= before + 2 })
        #expect(spool.counts.countersigned == 1)
        #expect(await eventually { isDone(spool) })
        running.cancel()
        _ = await running.result
        spool.close()
    }

    private func ship(_ spool: Spool) async throws -> Bool {
        await AuditShipper.shipAll(
            client: client,
            spool: spool,
            watch: try OrgWatch(machine.membership, home: scratch.home),
            logger: .silent,
            within: .seconds(10)
        ) == .all
    }

    @Test("A locked keyring is waited for")
    func locked() async throws {
        let spool = try spool()
        try spool.record(beat(0))
        secrets.condition = .locked
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        try await Task.sleep(for: .milliseconds(100))
        #expect(server.count("/v1/agent-log") == 0)
        secrets.condition = .open
        shipper.nudge()
        #expect(await eventually { isDone(spool) })
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("A denial does not wait for others")
    func denial() async throws {
        let spool = try spool()
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        try spool.record(beat(0))
        #expect(await eventually { isDone(spool) })
        let start = ContinuousClock.now
        let facts = CallAttributes(
            call: RandomID(),
            trace: RandomID(),
            client: "c",
            how: .token,
            server: "s",
            method: "tools/call",
            item: .tool("t")
        )
        try spool.record(
            .callDeny(facts, EncodedDecision(isAllowed: false, reason: "no_grant", rules: [], policy: 1, digest: ""))
        )
        #expect(await eventually { isDone(spool) })
        #expect(ContinuousClock.now - start < .milliseconds(900))
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("A folder restored from a copy goes on behind what the coordinator has, without a contradiction")
    func restored() async throws {
        let spool = try spool()
        for number in 0..<4 { try spool.record(beat(number)) }
        #expect(try await ship(spool))
        spool.close()
        let copy = try Scratch()
        try FileCopy.copy(
            scratch.home.spool(agent: machine.membership.agentID),
            to: copy.home.spool(agent: machine.membership.agentID)
        )
        let later = try self.spool()
        for number in 4..<9 { try later.record(beat(number)) }
        #expect(try await ship(later))
        later.close()

        let restored = try self.spool(copy)
        for number in 100..<103 { try restored.record(beat(number)) }
        #expect(try await ship(restored))
        restored.close()
        #expect(stored.compactMap { $0["calls"]?.int } == Array(0..<9) + [100, 101, 102])
        #expect(stored.compactMap { $0["kind"]?.text }.filter { $0 == "agent.rollback" }.count == 1)
        #expect(stored.compactMap { $0["seq"]?.int } == Array(0..<13))
        #expect(server.model.withLock { $0.agents[machine.membership.agentID]?.isLocked } == false)
    }

    @Test("A coordinator that lost what it had countersigned gets it again")
    func coordinatorRestored() async throws {
        let spool = try spool()
        for number in 0..<3 { try spool.record(beat(number)) }
        #expect(try await ship(spool))
        let backup = server.model.withLock { $0 }
        for number in 3..<8 { try spool.record(beat(number)) }
        #expect(try await ship(spool))
        server.model.withLock { $0 = backup }
        for number in 8..<9 { try spool.record(beat(number)) }
        #expect(try await ship(spool))
        #expect(stored.compactMap { $0["calls"]?.int } == Array(0..<9))
        spool.close()
    }

    @Test("A coordinator that says the log is forked, or the key revoked, is not asked again at once")
    func halts() async throws {
        let spool = try spool()
        try spool.record(beat(0))
        server.model.withLock { $0.agents[machine.membership.agentID]?.isLocked = true }
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        #expect(await eventually { shipper.problem != nil })
        let count = server.count("/v1/agent-log")
        try spool.record(beat(1))
        try await Task.sleep(for: .milliseconds(300))
        #expect(server.count("/v1/agent-log") == count)
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("A refusal that was not the coordinator's is over as soon as the coordinator is heard of")
    func refusedByNobody() async throws {
        let spool = try spool()
        try spool.record(beat(0))
        server.signsRevocations.withLock { $0 = false }
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = true }
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        #expect(await eventually { shipper.problem != nil })
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = false }
        shipper.nudge()
        #expect(await eventually { isDone(spool) && shipper.problem == nil })
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("A caller that wants everything shipped is told what is in the way: for good, or for now")
    func ends() async throws {
        let spool = try spool()
        for number in 0..<3 { try spool.record(beat(number)) }
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        server.model.withLock { $0.agents[machine.membership.agentID]?.isLocked = true }
        guard case .never(let forked) = await shipper.drain(within: .seconds(10)) else {
            return #expect(Bool(false), "a log that forked can be shipped")
        }
        #expect(forked.contains("contradicts"))
        // It has halted for minutes, and a caller that asks is told the present state.
        server.model.withLock { $0.agents[machine.membership.agentID]?.isLocked = false }
        #expect(await shipper.drain(within: .seconds(10)) == .all)
        try spool.record(beat(3))
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = true }
        guard case .never = await shipper.drain(within: .seconds(10)) else {
            return #expect(Bool(false), "a revoked machine can ship")
        }
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = false }
        server.stop()
        let start = ContinuousClock.now
        guard case .later(let away) = await shipper.drain(within: .seconds(30)) else {
            return #expect(Bool(false), "without a coordinator there is no end")
        }
        #expect(!away.isEmpty)
        #expect(ContinuousClock.now - start < .seconds(15))
        running.cancel()
        _ = await running.result
        spool.close()
    }

    @Test("At the end of a run what is there is shipped, also the last record")
    func lastFlush() async throws {
        let spool = try spool()
        let shipper = try shipper(spool)
        let group = ServiceGroup(services: [shipper], logger: .silent)
        let running = Task { try await group.run() }
        try spool.record(beat(0))
        #expect(await eventually { isDone(spool) })
        try spool.record(.agentStop(why: "test"))
        await group.triggerGracefulShutdown()
        _ = await running.result
        #expect(isDone(spool))
        #expect(stored.last?["kind"] == "agent.stop")
        spool.close()
    }

    @Test("A coordinator that is away holds up the end for seconds only")
    func lastFlushOffline() async throws {
        let spool = try spool()
        server.stop()
        try spool.record(beat(0))
        let shipper = try shipper(spool)
        let running = Task { try await shipper.run() }
        try await Task.sleep(for: .milliseconds(50))
        let start = ContinuousClock.now
        running.cancel()
        _ = await running.result
        #expect(ContinuousClock.now - start < .seconds(8))
        spool.close()
    }
}
