import AuditSink
import Contract
import Database
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import People
import Policy
import PolicyStore
import ServiceKit
import StrictJSON
import Testing

@testable import API

@Suite("Who may do what")
struct AccessTests {
    @Test("These and no others are open to everybody")
    func anonymous() throws {
        let office = try Office()
        let open = office.operations.filter { $0.access == .anonymous }.map(\.name)
        #expect(Set(open) == ["GET /healthz", "GET /readyz", "GET /v1/identity", "POST /v1/enrolments"])
    }

    @Test("Nothing else answers without a proof, by whatever method and with whatever header")
    func withoutProof() async throws {
        let office = try Office()
        let attempts: [HTTPFields] = [
            [:], [.authorization: "Bearer"], [.authorization: "Bearer "], [.authorization: "Basic YTpi"],
            [.authorization: "Bearer dwt1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
            [.authorization: "Bearer dwi1.AAAAAAAAAAAAAAAAAAAAAA"], [.cookie: "session=1"],
        ]
        try await office.test { client in
            for operation in office.operations where operation.access != .anonymous {
                for headers in attempts {
                    let answer = try await client.send(operation.method, operation.example, headers: headers)
                    #expect(answer.status == .unauthorized, "\(operation.name) \(headers)")
                    _ = try answer.problem()
                }
                for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
                    let answer = try await client.send(method, operation.example)
                    #expect([401, 405].contains(answer.status.code), "\(method) \(operation.example)")
                }
            }
        }
    }

    @Test("A role opens its operations and none above", arguments: Role.allCases)
    func roles(role: Role) async throws {
        let office = try Office()
        try await office.test { client in
            for operation in office.operations {
                // A machine of its own for each, as one of the operations is to leave.
                let machine = try await office.machine(role, client)
                let answer = try await machine.send(client, operation.method, operation.example)
                guard case .right(let right) = operation.access, role < right.role else {
                    #expect(answer.status != .forbidden, "\(operation.name)")
                    continue
                }
                #expect(answer.status == .forbidden, "\(operation.name)")
                #expect(try answer.problem().code == "role_needed")
            }
        }
    }

    /// What each scope opens for an owner, written down once more.
    static let openings: [(Scope, Set<String>)] = [
        (
            .read,
            [
                "GET /v1/servers", "GET /v1/tools", "GET /v1/policy", "GET /v1/users", "GET /v1/agents",
                "GET /v1/invitations",
                "GET /v1/tokens", "GET /v1/roles", "GET /metrics",
            ]
        ),
        (.policy, ["GET /v1/policy", "PUT /v1/policy", "POST /v1/policy/check"]),
        (.audit, ["POST /v1/reports", "GET /v1/agents/{id}/log"]),
        (.metrics, ["GET /metrics"]),
    ]

    @Test("A token opens its scope and no more", arguments: openings)
    func scopes(scope: Scope, opens: Set<String>) async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let token = try await office.token([scope.rawValue], owner, client)
            for operation in office.operations where operation.access != .anonymous {
                let answer = try await client.send(
                    operation.method,
                    operation.example,
                    headers: [.authorization: "Bearer \(token)"]
                )
                #expect((answer.status != .forbidden) == opens.contains(operation.name), "\(operation.name)")
            }
        }
    }

    @Test("A token of the scope admin has its maker's rights, and is no machine")
    func adminTokens() async throws {
        let office = try Office()
        try await office.test { client in
            for role in [Role.editor, .owner] {
                let machine = try await office.machine(role, client)
                let token = try await office.token(["admin"], machine, client)
                for operation in office.operations {
                    let answer = try await client.send(
                        operation.method,
                        operation.example,
                        headers: [.authorization: "Bearer \(token)"]
                    )
                    switch operation.access {
                    case .anonymous: #expect(answer.status != .forbidden)
                    case .agent: #expect(try answer.problem().code == "machine_needed", "\(operation.name)")
                    case .right(let right):
                        #expect((answer.status == .forbidden) == (role < right.role), "\(operation.name)")
                    }
                }
            }
        }
    }

    @Test("Who may do it is judged before what is sent is read")
    func rightsBeforeBodies() async throws {
        let office = try Office()
        try await office.test { client in
            let member = try await office.machine(.member, client)
            let body = [UInt8](repeating: 0x20, count: Operation.usualBody + 1)
            let answer = try await member.send(client, "POST", "/v1/servers", body: body)
            #expect(answer.status == .forbidden)
        }
    }

    @Test("Every operation says who may use it, in a word of the API's description")
    func words() throws {
        let known: Set = ["anonymous", "member", "auditor", "editor", "admin", "owner", "agent"]
        #expect(try Office().operations.allSatisfy { known.contains($0.access.word) })
    }
}
