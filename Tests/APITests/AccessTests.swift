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
import Rights
import ServiceKit
import StrictJSON
import Testing

@testable import API

@Suite("Who may do what")
struct AccessTests {
    @Test("Every operation that is served has a row that says who may use it, and every row an operation")
    func declared() throws {
        let served = try Office().operations.map(\.name)
        #expect(Set(served).subtracting(DeclaredAccess.operations.keys).isEmpty, "say in DeclaredAccess who may")
        #expect(Set(DeclaredAccess.operations.keys).subtracting(served).isEmpty)
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
            for operation in office.operations {
                let who = try #require(DeclaredAccess.operations[operation.name])
                guard who != .anybody else { continue }
                guard who != .form else {
                    let answer = try await client.send(operation.method, operation.example)
                    #expect(answer.status == .forbidden, "\(operation.name)")
                    continue
                }
                for headers in attempts {
                    let answer = try await client.send(operation.method, operation.example, headers: headers)
                    if case .page = who {
                        try judgePage(operation, answer)
                    } else {
                        #expect(answer.status == .unauthorized, "\(operation.name) \(headers)")
                        _ = try answer.problem()
                    }
                }
                // Pages and the paths of the API have none in common; what a page has no method for is answered alike.
                if case .page = who { continue }
                for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
                    let asked = method == "HEAD" ? "GET" : method
                    guard DeclaredAccess.operations["\(asked) \(operation.path)"] != .anybody else { continue }
                    let answer = try await client.send(method, operation.example)
                    #expect([401, 405].contains(answer.status.code), "\(method) \(operation.example)")
                }
            }
        }
    }

    /// What a page answers somebody who is not signed in: the way to sign in, or why a form did nothing.
    private func judgePage(_ operation: API.Operation, _ answer: TestResponse) throws {
        if operation.method == "GET" {
            #expect(answer.status == .seeOther, "\(operation.name)")
            #expect(answer.headers[.location]?.hasPrefix("/sign-in") == true, "\(operation.name)")
        } else {
            #expect(answer.status == .unauthorized, "\(operation.name)")
            #expect(answer.headers[.contentType]?.hasPrefix("text/html") == true, "\(operation.name)")
        }
    }

    /// What an operation answers a caller that it lets in, and one that it does not.
    private func judge(_ operation: API.Operation, _ answer: TestResponse, isIn: Bool, _ refusal: String) throws {
        guard !isIn else {
            #expect(![401, 403].contains(answer.status.code), "\(operation.name) refuses")
            return
        }
        #expect(answer.status == .forbidden, "\(operation.name) lets in")
        #expect(try answer.problem().code == refusal, "\(operation.name)")
    }

    /// The operations in an order in which the machine that asks leaves last.
    private func walk(_ office: Office) -> [API.Operation] {
        office.operations.sorted { ($0.path == "/v1/agent/leave" ? 1 : 0) < ($1.path == "/v1/agent/leave" ? 1 : 0) }
    }

    @Test("A machine's signature opens what its person's role opens, and none above", arguments: Role.allCases)
    func roles(role: Role) async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(role, client)
            for operation in walk(office) {
                let who = try #require(DeclaredAccess.operations[operation.name])
                let answer = try await machine.send(client, operation.method, operation.example)
                switch who {
                case .anybody, .machine: try judge(operation, answer, isIn: true, "")
                case .form: #expect(answer.status == .forbidden, "\(operation.name)")
                case .browser: try judge(operation, answer, isIn: false, "browser_needed")
                case .page: #expect(answer.status == .forbidden, "\(operation.name)")
                case .from(let lowest, _): try judge(operation, answer, isIn: role >= lowest, "role_needed")
                }
            }
        }
    }

    @Test(
        "A token opens its scope of what its maker's role opens, and no more",
        arguments: Role.allCases,
        Scope.allCases
    )
    func tokens(role: Role, scope: Scope) async throws {
        let office = try Office()
        guard role >= Right.editTokens.role, role >= scope.lowestRole else { return }
        try await office.test { client in
            let maker = try await office.machine(role, client)
            let headers: HTTPFields = [
                .authorization: "Bearer \(try await office.token([scope.rawValue], maker, client))"
            ]
            for operation in office.operations {
                let answer = try await client.send(operation.method, operation.example, headers: headers)
                switch try #require(DeclaredAccess.operations[operation.name]) {
                case .anybody: #expect(answer.status != .forbidden, "\(operation.name)")
                case .form: #expect(answer.status == .forbidden, "\(operation.name)")
                case .browser: try judge(operation, answer, isIn: false, "browser_needed")
                case .page: #expect(answer.status == .forbidden, "\(operation.name)")
                case .machine: try judge(operation, answer, isIn: false, "machine_needed")
                case .from(let lowest, _) where role < lowest:
                    try judge(operation, answer, isIn: false, "role_needed")
                case .from(_, let scopes):
                    try judge(operation, answer, isIn: scope == .admin || scopes.contains(scope), "scope_needed")
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

    @Test("Every operation says who may use it, in the word of the API's description")
    func words() throws {
        for operation in try Office().operations {
            let word =
                switch try #require(DeclaredAccess.operations[operation.name]) {
                case .anybody, .form: "anonymous"
                case .browser: "member"
                case .machine: "agent"
                case .page(let role), .from(let role, _): role.rawValue
                }
            #expect(operation.access.word == word, "\(operation.name)")
        }
    }
}
