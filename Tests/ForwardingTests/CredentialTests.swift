import StrictJSON
import Synchronization
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Credentials of servers")
    struct CredentialTests {
        private func error(_ answer: Answer) throws -> (code: Int?, reason: String?) {
            let json = try JSONValue(parsing: Array(answer.body.utf8))
            return (json["error"]?["code"]?.int, json["error"]?["data"]?["reason"]?.text)
        }

        /// A server that takes one token only.
        private static func protected(_ token: String) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] {
            { request in
                request.header("Authorization") == "Bearer \(token)"
                    ? [.json(Desk.result())]
                    : [.json(#"{"error":"invalid_token"}"#, status: "401 Unauthorized", "WWW-Authenticate: Bearer")]
            }
        }

        private func kinds(_ desk: Desk) async throws -> [String?] { try await desk.records().map { $0["kind"]?.text } }

        @Test("An upstream 401 is answered by one renewal, then the call goes on under the same begin")
        func renewed() async throws {
            let credentials = FakeCredentials(FakeCredentials.ready("old"), next: FakeCredentials.ready("new"))
            try await withDesk(Self.protected("new"), credentials: credentials) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(answer.body == Desk.result())
                #expect(upstream.requests.count == 2)
                #expect(upstream.requests[0].body == upstream.requests[1].body)
                #expect(credentials.renewals == ["Bearer old"])
                #expect(try await kinds(desk) == ["call.begin", "call.end"])
                #expect(upstream.closedConnections == 0)
            }
        }

        @Test("A large body is sent again as it was")
        func renewedLarge() async throws {
            let credentials = FakeCredentials(FakeCredentials.ready("old"), next: FakeCredentials.ready("new"))
            try await withDesk(Self.protected("new"), credentials: credentials) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("echo", "{\"text\":\"\(String(repeating: "y", count: 300_000))\"}"))
                #expect(try await client.answer().body == Desk.result())
                #expect(upstream.requests[0].body == upstream.requests[1].body)
            }
        }

        @Test("A second 401 is the user's, and neither reaches the client as a status")
        func refused() async throws {
            let credentials = FakeCredentials(FakeCredentials.ready("old"), next: FakeCredentials.ready("older"))
            try await withDesk(Self.protected("new"), credentials: credentials) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(try error(answer) == (-31003, "needs_sign_in"))
                #expect(answer.body.contains("doorward connect up"))
                #expect(answer.headers["www-authenticate"] == nil)
                #expect(upstream.requests.count == 2)
            }
        }

        @Test("A stale credential is renewed before it is used; all who wait are served")
        func stale() async throws {
            let credentials = FakeCredentials(
                .stale(id: "cred-1"),
                next: FakeCredentials.ready("new"),
                delay: .milliseconds(100)
            )
            try await withDesk(Self.protected("new"), credentials: credentials) { desk, upstream in
                var clients: [RawClient] = []
                for _ in 0..<10 {
                    let client = try await desk.client()
                    try await client.send(desk.call())
                    clients.append(client)
                }
                for client in clients { #expect(try await client.answer().body == Desk.result()) }
                #expect(upstream.requests.allSatisfy { $0.header("Authorization") == "Bearer new" })
                let begins = try await desk.records().filter { $0["kind"] == "call.begin" }
                #expect(begins.count == 10)
                #expect(begins.allSatisfy { $0["cred"] == "cred-1" })
            }
        }

        @Test(
            "Without a sign-in nothing is begun",
            arguments: [
                (CredentialState.Refusal.needsSignIn, -31003, "needs_sign_in"), (.locked, -31003, "locked"),
                (.unavailable, -31004, "sign_in_unavailable"),
            ]
        )
        func notSignedIn(refusal: CredentialState.Refusal, code: Int, reason: String) async throws {
            try await withDesk({ _ in [] }, credentials: FakeCredentials(.refused(refusal))) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                #expect(try error(try await client.answer()) == (code, reason))
                #expect(try await kinds(desk) == ["call.deny"])
                try await client.send(desk.request("GET /servers/up/mcp", []))
                #expect(try await client.answer().status == (code == -31003 ? 405 : 502))
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("A client that leaves during a renewal has sent nothing")
        func leftDuringRenewal() async throws {
            let latch = Latch()
            let credentials = FakeCredentials(
                .stale(id: "c"),
                next: FakeCredentials.ready("new"),
                latch: latch
            )
            try await withDesk(Self.protected("new"), credentials: credentials) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                for _ in 0..<1000 where credentials.renewals.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                await client.close()
                #expect(try await desk.wait(forEnds: 1) == ["cancelled"])
                // Another waits for the same renewal; it has its answer once both have been told.
                let other = try await desk.client()
                try await other.send(desk.call("other"))
                for _ in 0..<1000 where credentials.renewals.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
                latch.open()
                #expect(try await other.answer().status == 200)
                try await desk.wait { !$0.hasCalls }
                #expect(upstream.requests.map { $0.header("Mcp-Name") } == ["other"])
                #expect(try await desk.outcomes() == (1, ["cancelled"]))
            }
        }

        @Test("Too narrow a scope is the user's, another 403 the server's")
        func forbidden() async throws {
            let challenge = Mutex("Bearer error=\"insufficient_scope\", scope=\"write\"")
            try await withDesk(
                { _ in
                    [.empty("403 Forbidden", "WWW-Authenticate: \(challenge.withLock { $0 })")]
                },
                credentials: FakeCredentials(FakeCredentials.ready("x"))
            ) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                #expect(try error(try await client.answer()).code == -31003)
                // Another scheme may be first, in a field of its own.
                challenge.withLock { $0 = "Basic\r\nWWW-Authenticate: \($0)" }
                try await client.send(desk.call())
                #expect(try error(try await client.answer()).code == -31003)
                challenge.withLock { $0 = "Bearer" }
                try await client.send(desk.call())
                #expect(try error(try await client.answer()) == (-31004, "refused"))
            }
        }
    }
}
