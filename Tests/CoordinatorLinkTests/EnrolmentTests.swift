import AgentState
import Bytes
import Contract
import Errors
import Fetch
import Foundation
import Keyring
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("Enrolment")
struct EnrolmentTests {
    private let server: CoordinatorServer
    private let scratch: Scratch
    private let secrets = MemorySecretStore()
    private let fetcher = Fetcher()

    init() throws {
        server = try CoordinatorServer()
        scratch = try Scratch()
    }

    private var enrolment: Enrolment { Enrolment(home: scratch.home, secrets: secrets, fetcher: fetcher) }

    private func token(_ secret: UInt8 = 1) -> EnrolmentToken { server.model.withLock { $0.token(secret) } }

    private func enrol(_ token: EnrolmentToken) async throws -> Membership {
        try await enrolment.enrol(url: server.url, token: token, hostname: "desk")
    }

    @Test("A machine enrols, and what it pins is kept; the seed is in the keyring alone")
    func enrols() async throws {
        let membership = try await enrol(token())
        #expect(try Membership.load(scratch.home) == membership)
        #expect(membership.coordinatorKey == server.model.withLock { $0.key.publicKey })
        #expect(membership.origin == "127.0.0.1/audit")
        #expect(membership.user == "ann@example.com")
        #expect(server.model.withLock { $0.agents[membership.agentID]?.key } == membership.publicKey)
        guard case .found(let seed) = await secrets.read(SecretName(membership.secretName), prompting: false) else {
            Issue.record("no key in the keyring")
            return
        }
        #expect(SigningKey(seed: seed)?.publicKey == membership.publicKey)
        let files = try #require(FileManager.default.enumerator(atPath: scratch.path)).compactMap { $0 as? String }
        for file in files {
            let text = FileManager.default.contents(atPath: "\(scratch.path)/\(file)") ?? Data()
            #expect(text.range(of: Data(Base64.url(seed).utf8)) == nil)
            #expect(text.range(of: Data(Base64.url([UInt8](repeating: 1, count: 16)).utf8)) == nil)
        }
        await #expect(throws: LinkError(.alreadyEnrolled, "")) { try await enrol(token(2)) }
        #expect(secrets.writes == 1)
    }

    @Test("What an earlier enrolment has seen of the log does not bind a new one")
    func anew() async throws {
        var earlier = ModelCoordinator(host: "127.0.0.1", key: server.model.withLock { $0.key })
        for _ in 0..<5 { try earlier.restart(as: earlier.epoch + 1) }
        try FileManager.default.createDirectory(atPath: scratch.home.state, withIntermediateDirectories: true)
        try Data(try earlier.head().utf8).write(to: URL(filePath: "\(scratch.home.state)/org.note"))
        let membership = try await enrol(token())
        let watch = try OrgWatch(membership, home: scratch.home)
        #expect(watch.epoch == 0)
        #expect(watch.question()?.checkpoint.size == server.model.withLock { $0.org.size })
    }

    @Test("A token of another coordinator is refused before it is sent")
    func foreignToken() async throws {
        var other = ModelCoordinator()
        let token = other.token(1)
        await #expect(throws: LinkError(.wrongCoordinator, "")) { try await enrol(token) }
        #expect(server.count("/v1/enrolments") == 0)
        #expect(secrets.writes == 0)
    }

    @Test(
        "A locked or absent keyring ends it with nothing spent",
        arguments: [
            (MemorySecretStore.Condition.locked, LinkError.Kind.locked), (.away, .unavailable),
        ]
    )
    func noKeyring(condition: MemorySecretStore.Condition, kind: LinkError.Kind) async throws {
        secrets.condition = condition
        let token = token()
        await #expect(throws: LinkError(kind, "")) { try await enrol(token) }
        #expect(server.count("/v1/enrolments") == 0)
        secrets.condition = .open
        _ = try await enrol(token)
    }

    @Test(
        "A key that the keyring does not give back is not enrolled, and none is left behind",
        arguments: [
            MemorySecretStore.WriteFailure.before, .after, .silently,
        ]
    )
    func brokenKeyring(failure: MemorySecretStore.WriteFailure) async throws {
        secrets.failWrites(failure)
        await #expect(throws: LinkError(.unavailable, "")) { try await enrol(token()) }
        #expect(server.count("/v1/enrolments") == 0)
        #expect(secrets.names.isEmpty)
        _ = try await enrol(token())
        #expect(secrets.names.count == 1)
    }

    @Test("A key that could not be taken away again is overwritten by the next try, whatever its token")
    func leftBehind() async throws {
        secrets.failWrites(.after)
        secrets.failDeletes(1)
        await #expect(throws: LinkError(.unavailable, "")) { try await enrol(token()) }
        #expect(secrets.names.count == 1)
        _ = try await enrol(token(2))
        #expect(secrets.names.count == 1)
    }

    @Test("A key that the keyring loses after its word is stored again before the token is used")
    func lossAfterTheWord() async throws {
        let slow = MemorySecretStore(settling: .milliseconds(400))
        let enrolment = Enrolment(home: scratch.home, secrets: slow, fetcher: fetcher)
        let (url, token) = (server.url, token())
        let running = Task { try await enrolment.enrol(url: url, token: token, hostname: "desk") }
        while slow.writes == 0 { try await Task.sleep(for: .milliseconds(5)) }
        // What the keyring had not written when it ended.
        slow.contents = [:]
        #expect(server.count("/v1/enrolments") == 0)
        let membership = try await running.value
        #expect(slow.writes == 2)
        let reading = await slow.read(SecretName(membership.secretName), prompting: false)
        guard case .found(let seed) = reading else { return #expect(Bool(false), "\(reading)") }
        #expect(SigningKey(seed: seed)?.publicKey == membership.publicKey)
    }

    @Test("A keyring that loses the key each time enrols nothing")
    func lossEachTime() async throws {
        let slow = MemorySecretStore(settling: .milliseconds(100))
        let enrolment = Enrolment(home: scratch.home, secrets: slow, fetcher: fetcher)
        let (url, token) = (server.url, token())
        let running = Task { try await enrolment.enrol(url: url, token: token, hostname: "desk") }
        let thief = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(50))
                slow.contents = [:]
            }
        }
        await #expect(throws: LinkError(.unavailable, "")) { _ = try await running.value }
        thief.cancel()
        #expect(server.count("/v1/enrolments") == 0)
    }

    @Test("After a lost answer the same token enrols the same key: there is no second machine")
    func lostAnswer() async throws {
        let token = token()
        server.happens(.loseAnswer, to: "/v1/enrolments")
        await #expect(throws: FetchError.self) { try await enrol(token) }
        #expect(server.model.withLock { $0.agents.count } == 1)
        #expect(try Membership.load(scratch.home) == nil)
        let membership = try await enrol(token)
        #expect(server.model.withLock { $0.agents.count } == 1)
        #expect(server.model.withLock { $0.agents[membership.agentID] } != nil)
        #expect(secrets.writes == 1)
        // Another machine with the same token is told that it is spent.
        let other = try Scratch()
        let second = Enrolment(home: other.home, secrets: MemorySecretStore(), fetcher: fetcher)
        await #expect { try await second.enrol(url: server.url, token: token, hostname: "x") } throws: { error in
            (error as? Problem)?.code == "token_spent"
        }
    }

    @Test("A receipt that proves nothing is not believed", arguments: 0..<8)
    func forgedReceipt(kind: Int) async throws {
        let token = token()
        // A first machine, so that there is a leaf that is not this machine's.
        _ = try await Enrolment(home: try Scratch().home, secrets: MemorySecretStore(), fetcher: fetcher)
            .enrol(url: server.url, token: self.token(9), hostname: "first")
        server.happens(.loseAnswer, to: "/v1/enrolments")
        await #expect(throws: FetchError.self) { try await enrol(token) }
        let answer = try server.model.withLock { model -> JSONValue in
            let request = try EnrolmentRequest(
                JSONValue(parsing: server.seen.withLock { $0.last { $0.path == "/v1/enrolments" } }?.body ?? [])
            )
            guard case .json(let json) = try model.enrol(request) else { throw LinkError(.unexpected, "no receipt") }
            return json
        }
        let good = try EnrolmentReceipt(answer)
        let stranger = ModelCoordinator(host: "127.0.0.1")
        let bad: EnrolmentReceipt =
            switch kind {
            case 0: change(good, key: stranger.key.publicKey.bytes)
            case 1: change(good, origin: "127.0.0.2/audit")
            case 2: change(good, head: try stranger.head())
            case 3: change(good, leaf: try server.model.withLock { try $0.proven(0) })
            case 4: change(good, leaf: ProvenLeaf(leaf: good.enrol.leaf, index: 0, proof: good.enrol.proof))
            case 5: change(good, leaf: ProvenLeaf(leaf: good.enrol.leaf, index: good.enrol.index, proof: []))
            case 6: change(good, agent: "a-aaaaaaaaaaaaaaaa")
            default: change(good, sub: "u-99")
            }
        server.happens(.answer(.json(bad.json)), to: "/v1/enrolments")
        await #expect(throws: LinkError(.untrusted, "")) { try await enrol(token) }
        #expect(try Membership.load(scratch.home) == nil)
        _ = try await enrol(token)
    }

    private func change(
        _ good: EnrolmentReceipt,
        key: [UInt8]? = nil,
        origin: String? = nil,
        head: String? = nil,
        leaf: ProvenLeaf? = nil,
        agent: String? = nil,
        sub: String? = nil
    ) -> EnrolmentReceipt {
        EnrolmentReceipt(
            agentID: agent ?? good.agentID,
            user: good.user,
            sub: sub ?? good.sub,
            coordinatorKey: key ?? good.coordinatorKey,
            origin: origin ?? good.origin,
            orgCheckpoint: head ?? good.orgCheckpoint,
            enrol: leaf ?? good.enrol
        )
    }

    @Test(
        "URLs that are none of a coordinator are refused",
        arguments: [
            "door.example", "http://door.example", "https://door.example/path", "https://door.example?x=1",
            "ftp://door.example", "https://user@door.example", "http://127.0.0.1.example.com",
        ]
    )
    func badURL(url: String) async throws {
        await #expect(throws: LinkError(.badURL, "")) {
            try await enrolment.enrol(url: url, token: token(), hostname: "desk")
        }
    }
}
