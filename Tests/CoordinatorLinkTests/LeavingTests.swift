import AgentState
import AuditLog
import Bytes
import Errors
import Fetch
import Foundation
import Keyring
import ServiceKit
import Spool
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("Leaving")
struct LeavingTests {
    private let server: CoordinatorServer
    private let scratch: Scratch
    private let secrets = MemorySecretStore()
    private let membership: Membership

    init() async throws {
        server = try CoordinatorServer()
        scratch = try Scratch()
        let token = server.model.withLock { $0.token(1) }
        membership = try await Enrolment(home: scratch.home, secrets: secrets, fetcher: Fetcher())
            .enrol(url: server.url, token: token, hostname: "desk")
    }

    private var enrolment: Enrolment { Enrolment(home: scratch.home, secrets: secrets, fetcher: Fetcher()) }

    private var isRevoked: Bool {
        server.model.withLock { $0.agents[membership.agentID]?.isRevoked } == true
    }

    private func spool(_ bodies: RecordBody...) throws -> Spool {
        let spool = try Spool(
            folder: scratch.home.spool(agent: membership.agentID),
            writer: RecordWriter(
                agent: JSONText(membership.agentID),
                instance: RandomID(),
                key: membership.publicKey.fingerprint,
                boot: "boot",
                subject: JSONText(membership.sub)
            ),
            logger: .silent
        )
        for body in bodies { try spool.record(body) }
        return spool
    }

    private let told = RecordBody.policyApply(version: 1, digest: "sha256:0")
    private let ran = RecordBody.agentStop(why: "ended")

    /// Leaves as a command does that finds no agent.
    private func leave(_ spool: Spool, isOffline: Bool = false) async throws -> Departure {
        let client = CoordinatorClient(
            membership,
            key: MachineKey(membership, secrets: secrets),
            fetcher: Fetcher()
        )
        let watch = try OrgWatch(membership, home: scratch.home)
        let departure = try await enrolment.leave(client, spool: spool, isOffline: isOffline) {
            await AuditShipper.shipAll(
                client: client,
                spool: spool,
                watch: watch,
                logger: .silent,
                within: .seconds(10)
            )
        }
        let counts = spool.counts
        spool.close()
        return enrolment.keepAside(departure, count: Int(counts.recorded - counts.countersigned))
    }

    /// Nothing of the membership is left, and the machine can enrol again.
    private func checkLeft() async throws {
        #expect(try Membership.load(scratch.home) == nil)
        #expect(secrets.names.isEmpty)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.home.state)
        #expect(Set(left).isDisjoint(with: ["sync.json", "org.note", "standing.json", "membership.json"]))
    }

    private func kept() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(scratch.home.kept)/\(membership.agentID)")
    }

    @Test("What is pending is shipped, the coordinator told, key and membership taken away")
    func orderly() async throws {
        let departure = try await leave(try spool(told, ran))
        #expect(departure.kept == nil && departure.untold == nil && departure.keyLeft == nil)
        #expect(isRevoked)
        #expect(server.model.withLock { $0.agents[membership.agentID]?.records.count } == 2)
        try await checkLeft()
    }

    @Test("A coordinator that is away keeps a machine whose records wait, and no machine whose records are with it")
    func away() async throws {
        server.stop()
        let spool = try spool(told, told, ran)
        await #expect {
            _ = try await leave(spool)
        } throws: { error in
            guard let error = error as? LinkError, error.kind == .pending else { return false }
            return error.message.hasPrefix("2 records wait for the coordinator")
                && error.next == "doorward logout --offline"
        }
        #expect(try Membership.load(scratch.home) == membership)
        #expect(secrets.names.count == 1)
        let departure = try await leave(spool, isOffline: true)
        #expect(departure.kept?.records == 3)
        #expect(departure.untold != nil)
        #expect(try !kept().isEmpty)
        try await checkLeft()
    }

    @Test("That an agent ran is no reason to stay with a coordinator that is gone")
    func gone() async throws {
        server.stop()
        let departure = try await leave(try spool(ran))
        #expect(departure.untold != nil)
        #expect(departure.kept?.records == 1)
        #expect(departure.words.joined(separator: " ").contains("doorward admin agents revoke \(membership.agentID)"))
        try await checkLeft()
    }

    @Test(
        "What the coordinator will never take is kept, said to be, and holds no machine",
        arguments: ["revoked", "unknown", "forked"]
    )
    func never(state: String) async throws {
        server.model.withLock { model in
            switch state {
            case "revoked": model.agents[membership.agentID]?.isRevoked = true
            case "unknown": model.agents[membership.agentID] = nil
            default: model.agents[membership.agentID]?.isLocked = true
            }
        }
        let departure = try await leave(try spool(told, told))
        #expect(departure.untold == nil)
        #expect(departure.kept?.records == 2)
        #expect(departure.kept?.path == "\(scratch.home.kept)/\(membership.agentID)")
        #expect(departure.kept?.why.isEmpty == false)
        #expect(try kept().contains { $0.hasSuffix(".records") })
        #expect(!FileManager.default.fileExists(atPath: scratch.home.spool(agent: membership.agentID)))
        try await checkLeft()
        // And the way back is open.
        let token = server.model.withLock { $0.token(2) }
        let again = try await enrolment.enrol(url: server.url, token: token, hostname: "desk")
        #expect(again.agentID != membership.agentID)
    }

    @Test("A key that is gone, or another one in its place, holds no machine")
    func keyMissing() async throws {
        for seed in [nil, SigningKey().seed] {
            let name = SecretName(membership.secretName)
            try await secrets.delete(name)
            if let seed { try await secrets.write(name, seed, label: "", prompting: false) }
            try membership.save(scratch.home)
            try? FileManager.default.removeItem(atPath: scratch.home.kept)
            let departure = try await leave(try spool(told))
            #expect(departure.kept?.records ?? 0 > 0)
            #expect(departure.untold?.contains("key") == true)
            try await checkLeft()
        }
        #expect(!isRevoked)
    }

    @Test(
        "A keyring that is locked or away is seen before anybody is told; the user can leave without it",
        arguments: [(MemorySecretStore.Condition.locked, LinkError.Kind.locked), (.away, .unavailable)]
    )
    func keyringClosed(condition: MemorySecretStore.Condition, kind: LinkError.Kind) async throws {
        let client = CoordinatorClient(
            membership,
            key: MachineKey(membership, secrets: secrets),
            fetcher: Fetcher()
        )
        // As in an agent that has its key in memory.
        try await client.key.load()
        secrets.condition = condition
        let spool = try spool(ran)
        await #expect(throws: LinkError(kind, "")) {
            try await enrolment.leave(client, spool: spool, isOffline: false) { .all }
        }
        #expect(!isRevoked)
        #expect(try Membership.load(scratch.home) == membership)
        let departure = try await enrolment.leave(client, spool: spool, isOffline: true) { .all }
        #expect(departure.keyLeft != nil)
        #expect(isRevoked)
        #expect(try Membership.load(scratch.home) == nil)
        spool.close()
    }

    @Test("A leave that ended between telling and forgetting is ended by the next")
    func crash() async throws {
        let client = CoordinatorClient(
            membership,
            key: MachineKey(membership, secrets: secrets),
            fetcher: Fetcher()
        )
        _ = try await client.json("POST", "/v1/agent/leave", isIdempotent: true)
        #expect(isRevoked)
        let departure = try await leave(try spool(told))
        #expect(departure.untold == nil && departure.kept?.records == 1)
        try await checkLeft()
        // The same with an answer that was lost, and nothing to ship.
        try await secrets.write(SecretName(membership.secretName), [1], label: "", prompting: false)
        try membership.save(scratch.home)
        _ = try await leave(try spool())
        try await checkLeft()
    }

    @Test("A key that the keyring does not give up is said to be left, and the machine is free")
    func keyLeft() async throws {
        secrets.failDeletes(1)
        let departure = try await leave(try spool(ran))
        #expect(departure.keyLeft != nil)
        #expect(isRevoked)
        #expect(try Membership.load(scratch.home) == nil)
    }

    @Test("Records that cannot be opened hold a user who did not say that they may stay")
    func unopened() async throws {
        await #expect(throws: LinkError(.pending, "")) {
            try await enrolment.leave(membership, unopened: "it is damaged", isOffline: false)
        }
        #expect(!isRevoked)
        try spool(told).close()
        let departure = enrolment.keepAside(
            try await enrolment.leave(membership, unopened: "it is damaged", isOffline: true),
            count: nil
        )
        #expect(isRevoked)
        #expect(departure.kept?.records == nil)
        #expect(departure.kept?.why == "it is damaged")
        try await checkLeft()
    }
}
