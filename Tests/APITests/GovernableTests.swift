import Contract
import Database
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import People
import Rights
import StrictJSON
import Testing

@testable import API

@Suite("Whatever others do, a caller that can make room gets in")
struct GovernableTests {
    private static func wait(_ semaphore: DispatchSemaphore) { semaphore.wait() }

    @Test("A question by token is answered while nothing can be written")
    func withoutCommit() async throws {
        let office = try Office()
        try await office.test { client in
            let owner = try await office.machine(.owner, client)
            let token = try await office.token(["admin"], owner, client)
            let (begun, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let database = office.database
            async let blocked: Void = database.write { _ in
                begun.signal()
                gate.wait()
            }
            await Task.detached { Self.wait(begun) }.value
            defer { gate.signal() }
            let answer = try await client.send("GET", "/v1/agents", headers: [.authorization: "Bearer \(token)"])
            #expect(answer.status == .ok)
            gate.signal()
            try await blocked
        }
    }

    @Test("One person's bodies take one share and no more, and administrators are heard when all shares are used up")
    func shares() async throws {
        let reader = BodyReader(most: 16, share: 8)
        func read(_ person: String, _ lane: WriteLane, _ use: () async throws -> Void = {}) async -> String? {
            let head = HTTPRequest(
                method: .post,
                scheme: "https",
                authority: "office.example",
                path: "/",
                headerFields: [.contentLength: "6"]
            )
            let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(repeating: 0x20, count: 6)))
            do {
                try await reader.read(request, of: person, lane, atMost: 8) { _ in try await use() }
                return nil
            } catch {
                return (error as? Problem)?.code ?? "\(error)"
            }
        }
        let outer = await read("a", .ordinary) {
            #expect(await read("a", .ordinary) == "busy")
            let inner = await read("b", .ordinary) {
                #expect(await read("c", .ordinary) == "busy")
                #expect(await read("owner", .governing) == nil)
            }
            #expect(inner == nil)
            #expect(await read("c", .ordinary) == nil)
        }
        #expect(outer == nil)
        #expect(await read("a", .ordinary) == nil)
    }

    @Test("An auditor who makes tokens without end is told to wait, an administrator is not")
    func changes() async throws {
        let office = try Office()
        try await office.test { client in
            for (role, status) in [(.auditor, .tooManyRequests), (.owner, .created)] as [(Role, HTTPResponse.Status)] {
                let machine = try await office.machine(role, client)
                var last = HTTPResponse.Status.created
                for number in 0..<130 where last == .created {
                    let body = Array(#"{"name":"\#(role.rawValue)-\#(number)","scopes":["read"]}"#.utf8)
                    let answer = try await machine.send(client, "POST", "/v1/tokens", body: body)
                    last = answer.status
                    if last == .tooManyRequests { #expect(answer.headers[.retryAfter] == "1") }
                }
                #expect(last == status)
            }
        }
    }

    @Test("Records are removed by an owner alone, of a machine that is shut out")
    func removal() async throws {
        let office = try Office()
        try await office.test { client in
            let (owner, admin) = (try await office.machine(.owner, client), try await office.machine(.admin, client))
            let member = try await office.machine(.member, client)
            let path = "/v1/agents/\(member.agentID)/log"
            #expect(try await admin.send(client, "DELETE", path).problem().code == "role_needed")
            #expect(try await owner.send(client, "DELETE", path).problem().code == "log_in_use")
            #expect(try await owner.send(client, "DELETE", "/v1/agents/\(member.agentID)").status == .ok)
            #expect(try await owner.send(client, "DELETE", path).problem().code == "nothing_stored")
            let copy = try await admin.send(client, "GET", "\(path)?from=0")
            #expect(copy.status == .ok && copy.body.readableBytes == 0)
            let listed = try await owner.send(client, "GET", "/v1/agents").json()
            #expect(listed["agents"]?.array?.allSatisfy { $0["stored_bytes"]?.int == 0 } == true)
        }
    }
}
