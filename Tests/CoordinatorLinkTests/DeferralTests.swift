import AgentState
import AuditLog
import Contract
import Fetch
import Keyring
import ServiceKit
import Spool
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("A coordinator that takes nothing for now")
struct DeferralTests {
    private func deferral(_ status: Int, _ retryAfter: String?, now: Int = 784_111_777) -> Deferral? {
        let headers = retryAfter.map { [(name: "retry-after", value: $0)] } ?? []
        return Deferral(FetchResponse(status: status, headers: headers, body: [], url: ""), now: now)
    }

    @Test("What it says of the time is taken, within reason")
    func times() {
        #expect(deferral(429, "7")?.wait == .seconds(7))
        #expect(deferral(507, "0")?.wait == .zero)
        #expect(deferral(503, "Sun, 06 Nov 1994 08:49:47 GMT")?.wait == .seconds(10))
        #expect(deferral(503, "Sun, 06 Nov 1994 08:49:07 GMT")?.wait == .zero)
        #expect(deferral(429, "99999999999999999999")?.wait == nil)
        #expect(deferral(429, "999999999")?.wait == .seconds(3600))
        #expect(deferral(429, "-5")?.wait == .zero)
        #expect(deferral(429, "soon")?.wait == nil)
        #expect(deferral(503, nil) != nil)
        #expect([200, 401, 409, 423, 500, 502].compactMap { deferral($0, "1") }.isEmpty)
    }

    @Test("It is left alone for as long as it wants, whatever anybody hopes, and not by all at the same moment")
    func machine() {
        for (chance, earliest) in [(0.0, 10.0), (1.0, 12.5)] {
            var machine = UploadMachine(edge: MerkleFrontier())
            machine.known(MerkleFrontier(), recorded: 5, now: .seconds(1))
            let upload = machine.next(now: .seconds(1), durable: 5, isUrgent: true)
            #expect(upload == .upload(from: MerkleFrontier(), to: 5))
            machine.deferred(to: 5, wait: .seconds(10), now: .seconds(1), chance: chance)
            machine.retry()
            let end = Duration.seconds(1 + earliest)
            #expect(machine.next(now: .seconds(2), durable: 9, isUrgent: true) == .wait(until: end))
            // The same again, as it may have been stored.
            #expect(machine.next(now: end, durable: 9, isUrgent: true) == .upload(from: MerkleFrontier(), to: 5))
            #expect(machine.deferredSince == .seconds(1))
        }
    }

    @Test("Where it does not say how long, the waits grow up to half a minute")
    func growing() {
        var machine = UploadMachine(edge: MerkleFrontier())
        machine.known(MerkleFrontier(), recorded: 5, now: .zero)
        var now = Duration.zero
        var waits: [Duration] = []
        for _ in 0..<10 {
            machine.deferred(to: 5, wait: nil, now: now, chance: 1)
            guard case .wait(let until?) = machine.next(now: now, durable: 5, isUrgent: true) else { break }
            waits.append(until - now)
            now = until
        }
        #expect(waits.count == 10)
        #expect(waits == waits.sorted())
        #expect(waits.last == .seconds(30))
    }

    @Test("Its user is told that records wait and nothing is lost, until it takes them", arguments: [429, 503, 507])
    func told(status: Int) async throws {
        let server = try CoordinatorServer()
        let scratch = try Scratch()
        let secrets = MemorySecretStore()
        let url = server.url
        let machine = server.model.withLock { Machine(&$0, url: url) }
        try await secrets.write(SecretName("signing-key/1"), machine.key.seed, label: "", prompting: false)
        var configuration = SpoolConfiguration()
        configuration.reserveBytes = 1 << 20
        let spool = try Spool(
            folder: scratch.home.spool(agent: machine.membership.agentID),
            writer: machine.writer(),
            configuration: configuration,
            logger: .silent
        )
        let client = CoordinatorClient(
            machine.membership,
            key: MachineKey(machine.membership, secrets: secrets),
            fetcher: Fetcher()
        )
        func shipper() throws -> AuditShipper {
            let watch = try OrgWatch(machine.membership, home: scratch.home)
            return AuditShipper(client: client, spool: spool, watch: watch, logger: .silent)
        }
        for number in 0..<5 { try spool.record(.agentHeartbeat(calls: number, notifications: 0, pings: 0)) }
        let problem = Problem(
            "no_room",
            status: status,
            title: "",
            detail: "There is no room",
            members: ["retry_after": 1800]
        )
        server.happens(.answer(.problem(problem)), to: "/v1/agent-log")
        let patient = try shipper()
        let running = Task { try await patient.run() }
        #expect(await eventually { patient.problem?.contains("There is no room") == true })
        #expect(patient.problem?.contains("kept") == true)
        #expect(spool.counts.countersigned == 0)
        running.cancel()
        _ = await running.result

        // Another run does not know of it, and the coordinator has room again.
        let next = try shipper()
        let shipping = Task { try await next.run() }
        #expect(await eventually { spool.counts.countersigned == 5 })
        #expect(next.problem == nil)
        shipping.cancel()
        _ = await shipping.result
        spool.close()
    }
}
