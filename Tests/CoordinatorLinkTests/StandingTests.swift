import AgentState
import Bytes
import Contract
import Errors
import Fetch
import Foundation
import Keyring
import Kits
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("The state of a membership")
struct StandingTests {
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

    private func client(_ standing: MembershipStanding) -> CoordinatorClient {
        CoordinatorClient(
            machine.membership,
            key: MachineKey(machine.membership, secrets: secrets),
            fetcher: Fetcher(),
            standing: standing
        )
    }

    private func standing() throws -> MembershipStanding {
        try MembershipStanding(machine.membership, home: scratch.home)
    }

    private func statement(agent: String? = nil, key: String? = nil, by other: SigningKey? = nil) throws -> Problem {
        try server.model.withLock { model in
            let refused = try RevocationStatement(
                agentID: agent ?? machine.membership.agentID,
                key: key ?? machine.key.publicKey.fingerprint,
                time: UTCTime(seconds: 1_800_000_000)
            ).refusal(signedBy: other ?? model.key, names: model.names)
            return Problem(sent: refused)
        }
    }

    @Test("Whatever was asked, the signed word in its answer revokes, once; and it is known after a restart")
    func revoked() async throws {
        let told = Mutex(0)
        let standing = try MembershipStanding(machine.membership, home: scratch.home) { told.withLock { $0 += 1 } }
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = true }
        let client = client(standing)
        for path in ["/v1/agent-log", "/v1/agent/bundle"] {
            _ = try await client.request(method: "GET", path: path)
            #expect(standing.isRevoked)
        }
        #expect(told.withLock { $0 } == 1)
        #expect(MembershipStanding.last(machine.membership, home: scratch.home) == .revoked)
        // A good answer from a proxy in between takes nothing back.
        server.model.withLock { $0.agents[machine.membership.agentID]?.isRevoked = false }
        _ = try await client.request(method: "GET", path: "/v1/agent-log")
        #expect(standing.isRevoked)
        #expect(try MembershipStanding(machine.membership, home: scratch.home).isRevoked)
    }

    @Test("A statement about another machine or key, by another key or altered, is ignored", arguments: 0..<5)
    func forged(kind: Int) async throws {
        let standing = try standing()
        var problem =
            switch kind {
            case 0: try statement(agent: "a-aaaaaaaaaaaaaaaa")
            case 1: try statement(key: SigningKey().publicKey.fingerprint)
            case 2: try statement(by: SigningKey())
            default: try statement()
            }
        if kind == 3 { problem.members[RevocationStatement.member] = nil }
        if kind == 4 {
            let note = problem.members[RevocationStatement.member]?.text ?? ""
            problem.members[RevocationStatement.member] = .text(note.replacingOccurrences(of: "2027", with: "2026"))
            #expect(problem.members[RevocationStatement.member]?.text != note)
        }
        server.happens(.answer(.problem(problem)), to: "/v1/agent-log")
        _ = try await client(standing).request(method: "GET", path: "/v1/agent-log")
        #expect(standing.trouble == nil)
        #expect(MembershipStanding.last(machine.membership, home: scratch.home) == nil)
    }

    @Test("A file that another program wrote revokes nothing, and what is not about this membership says nothing")
    func planted() throws {
        let path = "\(scratch.home.state)/standing.json"
        let agent = JSONValue.text(machine.membership.agentID)
        try DurableFile.write(
            JSONValue.object(["v": 1, "agent": agent, "troubles": ["revoked"], "statement": "revoked"]).bytes,
            to: path
        )
        #expect(try standing().trouble == nil)
        try DurableFile.write(
            JSONValue.object(["v": 1, "agent": "a-aaaaaaaaaaaaaaaa", "troubles": ["key_missing"]]).bytes,
            to: path
        )
        #expect(try standing().trouble == nil)
        try DurableFile.write(Array("{".utf8), to: path)
        #expect(try standing().trouble == nil)
    }

    @Test("A coordinator that does not know the key is told of until it does again; that is no revocation")
    func unknown() async throws {
        let standing = try standing()
        let client = client(standing)
        let agent = server.model.withLock { $0.agents.removeValue(forKey: machine.membership.agentID) }
        _ = try await client.request(method: "GET", path: "/v1/agent-log")
        #expect(standing.trouble == .unknownKey)
        #expect(!standing.isRevoked)
        #expect(MembershipStanding.last(machine.membership, home: scratch.home) == .unknownKey)
        server.model.withLock { $0.agents[machine.membership.agentID] = agent }
        _ = try await client.request(method: "GET", path: "/v1/agent-log")
        #expect(standing.trouble == nil)
        #expect(MembershipStanding.last(machine.membership, home: scratch.home) == nil)
    }

    @Test("What was kept and cannot be read now is an error, not nothing")
    func unreadable() throws {
        try FileManager.default.createDirectory(
            atPath: "\(scratch.home.state)/standing.json",
            withIntermediateDirectories: true
        )
        #expect(throws: FileError.self) { try standing() }
    }

    @Test("A keyring that holds no key, another's, or no key at all is told apart from one that cannot be asked")
    func keys() async throws {
        func kind() async -> LinkError.Kind? {
            do {
                try await MachineKey(machine.membership, secrets: secrets).load()
                return nil
            } catch {
                return (error as? LinkError)?.kind
            }
        }
        let name = SecretName("signing-key/1")
        #expect(await kind() == nil)
        secrets.condition = .locked
        #expect(await kind() == .locked)
        secrets.condition = .away
        #expect(await kind() == .unavailable)
        secrets.condition = .open
        try await secrets.write(name, SigningKey().seed, label: "", prompting: false)
        #expect(await kind() == .keyMissing)
        try await secrets.write(name, [1], label: "", prompting: false)
        #expect(await kind() == .keyMissing)
        try await secrets.delete(name)
        #expect(await kind() == .keyMissing)
    }

    @Test("Each trouble says what happened and the next command")
    func words() {
        for trouble in MembershipTrouble.allCases {
            #expect(!trouble.message.isEmpty)
            #expect(trouble.next == "doorward logout")
        }
    }
}
