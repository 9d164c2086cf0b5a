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

@Suite("Answers")
struct ProblemTests {
    @Test(
        "What is not there is a problem, for every caller",
        arguments: ["/v1", "/v1/", "/v1/nothing", "/v1/servers/", "/v1/servers/x/y", "//v1/servers", "/v2/servers"]
    )
    func notFound(path: String) async throws {
        let office = try Office()
        try await office.test { client in
            let answer = try await client.send("GET", path)
            #expect(answer.status == .notFound)
            #expect(try answer.problem().code == "not_found")
        }
    }

    @Test("A method that a path does not have names those that it has")
    func otherMethods() async throws {
        let office = try Office()
        try await office.test { client in
            let answer = try await client.send("PATCH", "/v1/policy")
            #expect(try answer.problem().code == "method_not_allowed")
            #expect(answer.headers[.allow] == "GET, HEAD, PUT")
        }
    }

    @Test("A target that is no path is refused", arguments: ["*", "http://office.example/healthz", "/v1/a b", "/#"])
    func targets(target: String) async throws {
        let office = try Office()
        try await office.test { client in
            let answer = try await client.send("GET", target)
            #expect(try answer.problem().code == "bad_target")
        }
    }

    @Test("Every answer keeps to itself, and has an id")
    func headers() async throws {
        let office = try Office()
        try await office.test { client in
            for path in ["/healthz", "/v1/identity", "/v1/policy", "/v1/nothing"] {
                let headers = try await client.send("GET", path).headers
                #expect(headers[.xContentTypeOptions] == "nosniff")
                #expect(headers[.cacheControl] == "no-store")
                #expect(headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
                #expect(headers[.strictTransportSecurity] != nil)
                #expect(headers[APIResponder.requestIDName]?.count == 16)
                #expect(headers[.accessControlAllowOrigin] == nil)
            }
        }
    }

    @Test("HEAD is GET without a body, and what has no content says no length")
    func head() async throws {
        let office = try Office()
        try await office.test { client in
            let answer = try await client.send("HEAD", "/healthz")
            #expect(answer.status == .ok)
            #expect(answer.body.readableBytes == 0)
            let machine = try await office.machine(.owner, client)
            let left = try await machine.send(client, "POST", "/v1/agent/leave")
            #expect(left.status == .noContent)
            #expect(left.headers[.contentLength] == nil)
            #expect(left.headers[.contentType] == nil)
        }
    }

    @Test("A body over the limit of its operation is refused, for every operation")
    func tooLarge() async throws {
        let office = try Office()
        try await office.test { client in
            // Machines have no business with browsers' own operations, and pages say it in a page.
            for operation in office.operations where operation.access != .browser && !operation.isPage {
                let machine = try await office.machine(.owner, client)
                let body = [UInt8](repeating: 0x20, count: operation.largestBody + 1)
                let answer = try await machine.send(client, operation.method, operation.example, body: body)
                #expect(answer.status == .contentTooLarge, "\(operation.name)")
                #expect(try answer.problem().code == "too_large")
            }
        }
    }

    static let refusedDocuments: [(String, Int, String)] = [
        ("", 400, "bad_json"), ("x", 400, "bad_json"), ("[]", 400, "ambiguous_json"), ("{}x", 400, "bad_json"),
        ("{\"email\":\"a@b.c\",\"email\":\"e@b.c\"}", 400, "ambiguous_json"),
        ("{\"email\":\"a@b.c\",\"Email\":\"e@b.c\"}", 422, "invalid_request"),
        ("{\"email\":\"\\ud800\"}", 400, "ambiguous_json"), ("\u{FEFF}{}", 400, "bad_json"),
        ("{\"email\":1}", 422, "invalid_request"), ("{}", 422, "invalid_request"),
        ("{\"email\":\"not one\"}", 422, "invalid_request"), ("{\"email\":\"a@b.c\",\"x\":1}", 422, "invalid_request"),
        ("{\"email\":\"a@b.c\",\"role\":\"god\"}", 422, "invalid_request"),
        ("{\"email\":\"a@b.c\",\"expires_in\":0}", 422, "invalid_request"),
        ("{\"email\":\"a@b.c\",\"expires_in\":99999999}", 422, "invalid_request"),
        (String(repeating: "{\"a\":", count: 20) + "1" + String(repeating: "}", count: 20), 400, "ambiguous_json"),
    ]

    @Test("A document that is not as it must be changes nothing and says what is wrong", arguments: refusedDocuments)
    func documents(text: String, status: Int, code: String) async throws {
        let office = try Office()
        try await office.test { client in
            let machine = try await office.machine(.owner, client)
            let answer = try await machine.send(client, "POST", "/v1/invitations", body: Array(text.utf8))
            #expect(answer.status.code == status)
            let problem = try answer.problem()
            #expect(problem.code == code)
            if status == 422 { #expect(!FieldProblem.list(problem.members["problems"]).isEmpty) }
            let listed = try await machine.send(client, "GET", "/v1/invitations").json()
            #expect(listed["invitations"]?.array?.count == 1)
        }
    }

    @Test("Without its database the coordinator lives, and is not ready")
    func notReady() async throws {
        let office = try Office()
        try await office.test { client in
            #expect(try await client.send("GET", "/readyz").status == .ok)
            try office.database.close()
            #expect(try await client.send("GET", "/healthz").status == .ok)
            let answer = try await client.send("GET", "/readyz")
            #expect(try answer.problem().status == 503)
        }
    }

    @Test("Requests are counted by what was declared, never by what was sent")
    func metrics() async throws {
        let office = try Office()
        try await office.test { client in
            for path in ["/healthz", "/v1/servers/secret-alias", "/x\"y", "/v1/unheard-of"] {
                _ = try await client.send("DELETE", path)
            }
            let text = office.metrics.text()
            #expect(text.contains("{method=\"DELETE\",route=\"/v1/servers/{alias}\",status=\"4xx\"} 1"))
            #expect(text.contains("{method=\"unknown\",route=\"unknown\",status=\"4xx\"} 3"))
            #expect(!text.contains("secret-alias") && !text.contains("unheard"))
            #expect(text.contains("doorward_http_requests_underway 0"))
        }
    }
}
