import StrictJSON
import Testing

@testable import Forwarding

@Suite("The pace of refusals")
struct RefusalPaceTests {
    @Test("Fifty pass at once, the others one after the other, and after a rest fifty again")
    func pace() {
        var pace = RefusalPace()
        let second: Int64 = 1_000_000_000
        let due = (0..<52).map { _ in pace.take(now: second) - second }
        #expect(due[..<50].allSatisfy { $0 == 0 })
        #expect(due[50...].elementsEqual([second / 50, 2 * second / 50]))
        var isTaken = pace.takeNow(second)
        #expect(!isTaken)
        #expect(!pace.isAtRest(now: second))
        let later = 10 * second
        #expect(pace.isAtRest(now: later))
        #expect((0..<50).count { _ in pace.takeNow(later) } == 50)
        isTaken = pace.takeNow(later)
        #expect(!isTaken)
    }
}

extension RealSockets {
    @Suite("Clients that are refused again and again")
    struct PaceTests {
        private static let policy = [["server": "up", "tools": ["get_*"]]] as [JSONValue]

        private func withGuarded(_ body: (Desk) async throws -> Void) async throws {
            try await withDesk(
                { _ in [.json(Desk.result())] },
                policy: try Policies.policy(Self.policy)
            ) { desk, _ in try await body(desk) }
        }

        /// How long the call of another client takes.
        private func otherCall(_ desk: Desk) async throws -> Duration {
            let other = try await desk.client()
            let start = ContinuousClock.now
            let body = Desk.handshake("tools/call", #"{"name":"get_a"}"#)
            try await other.send(desk.post(body, token: Desk.otherToken, Handshake.version))
            #expect(try await other.answer().error.code == nil)
            return ContinuousClock.now - start
        }

        @Test("Each has its record and its answer, later and later, and no other client waits")
        func pipelined() async throws {
            try await withGuarded { desk in
                let client = try await desk.client()
                let start = ContinuousClock.now
                try await client.send((0..<150).map { desk.call("delete_a", id: "\($0)") }.joined())
                try await client.wait { $0.text.contains(#""id":60,"#) }
                #expect(try await otherCall(desk) < .seconds(1))
                for number in 0..<150 {
                    let answer = try await client.answer()
                    #expect(answer.body.contains(#""id":\#(number),"#))
                    #expect(answer.error.code == -31001)
                    #expect(answer.headers["doorward-record"] != nil)
                }
                #expect(ContinuousClock.now - start > .seconds(1.9))
                let denied = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect(denied.count == 150)
                // What it may do it does as before.
                try await client.send(desk.call("get_a"))
                #expect(try await client.answer().error.code == nil)
            }
        }

        @Test("More connections are no way around it")
        func connections() async throws {
            try await withGuarded { desk in
                var clients: [RawClient] = []
                for _ in 0..<200 { clients.append(try await desk.client()) }
                let start = ContinuousClock.now
                for client in clients { try await client.send(desk.call("delete_a")) }
                #expect(try await otherCall(desk) < .seconds(1))
                // Some do not wait for it.
                for client in clients.suffix(20) { await client.close() }
                for client in clients.dropLast(20) {
                    #expect(try await client.answer(seconds: 10).error.code == -31001)
                }
                #expect(ContinuousClock.now - start > .seconds(2.4))
                let denied = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect((180...200).contains(denied.count))
            }
        }

        @Test("Bodies that cannot be read, unknown methods and unknown servers count alike")
        func kinds() async throws {
            try await withGuarded { desk in
                let client = try await desk.client()
                let bodies = [
                    desk.post(#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#),
                    desk.post(Desk.handshake("no/such")),
                    desk.post(Desk.handshake(), to: "nowhere"),
                ]
                let start = ContinuousClock.now
                try await client.send((0..<30).flatMap { _ in bodies }.joined())
                for _ in 0..<90 { #expect(try await client.answer().status >= 200) }
                #expect(ContinuousClock.now - start > .seconds(0.7))
                #expect(try await desk.records().filter { $0["kind"] == "call.deny" }.count == 90)
            }
        }

        @Test("What waits when the agent ends is recorded")
        func ending() async throws {
            try await withGuarded { desk in
                var clients: [RawClient] = []
                for _ in 0..<100 { clients.append(try await desk.client()) }
                for client in clients { try await client.send(desk.call("delete_a")) }
                for _ in 0..<3 { _ = try await otherCall(desk) }
                await desk.service.shutdown()
                #expect(clients.contains { $0.text.isEmpty })
                #expect(try await desk.records().filter { $0["kind"] == "call.deny" }.count == 100)
            }
        }
    }
}
