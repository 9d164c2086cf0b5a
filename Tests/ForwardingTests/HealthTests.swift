import StrictJSON
import Testing

@testable import Forwarding

@Suite("How servers do")
struct HealthTests {
    @Test("Each error once, with how often and since when; the oldest goes")
    func history() {
        var history = ErrorHistory()
        for time in 1...3 { history.note("It is down.", now: Int64(time)) }
        #expect(history.entries.map(\.count) == [3])
        #expect(history.entries[0].first == 1 && history.entries[0].last == 3)
        for number in 0..<20 { history.note("Error \(number).", now: Int64(10 + number)) }
        #expect(history.entries.count == ErrorHistory.most)
        #expect(history.entries.last?.words == "Error 19.")
        history.note(String(repeating: "x", count: 5000), now: 100)
        #expect((history.entries.last?.words.count ?? 0) <= 300)
    }

    private func isDue(_ probes: inout ProbeSchedule, _ now: Int64, answered: Int64) -> Bool {
        probes.isDue(now, answered: answered)
    }

    @Test("A server is asked at its interval, not while its calls are answered, and never where that is said")
    func schedule() {
        var probes = ProbeSchedule(interval: 100, now: 1000, chance: 0.5)
        #expect(probes.next == 1050)
        #expect(!isDue(&probes, 1049, answered: 0))
        #expect(isDue(&probes, 1050, answered: 0))
        #expect(probes.next == 1150)
        // Its calls have said it just now.
        #expect(!isDue(&probes, 1150, answered: 1120))
        #expect(probes.next == 1220)
        #expect(isDue(&probes, 1220, answered: 1120))
        var never = ProbeSchedule(interval: 0, now: 1000, chance: 0.5)
        #expect(!isDue(&never, .max - 1, answered: 0))
        #expect(never.next == .max)
    }
}

extension RealSockets {
    @Suite("Servers are asked whether they are there")
    struct HealthProbeTests {
        private func withServer(
            _ answer: @escaping @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step],
            credentials: FakeCredentials = FakeCredentials(),
            needsCredential: Bool = false,
            _ body: (Desk, FakeUpstream) async throws -> Void
        ) async throws {
            try await withDesk(answer, credentials: credentials) { desk, upstream in
                var entry = try upstream.entry(needsCredential: needsCredential)
                entry.healthInterval = .milliseconds(100)
                let server = entry
                await desk.update { $0.servers = [server] }
                try await body(desk, upstream)
            }
        }

        private func health(_ desk: Desk) async -> ServerHealth? { await desk.service.health().first }

        @Test("One that answers anything is up, also where it refuses; and nothing of it is on record")
        func answers() async throws {
            try await withServer({ _ in [.empty("400 Bad Request")] }) { desk, upstream in
                try await upstream.wait { $0.body.contains("doorward-health") }
                try await desk.wait { $0.gate.servers.first?.answered ?? .min > 0 }
                #expect(await health(desk)?.state == .up)
                #expect(upstream.requests.first?.header("Authorization") == nil)
                #expect(try await desk.records().isEmpty)
            }
        }

        @Test("One that fails is degraded, with its error, and up again once it answers")
        func fails() async throws {
            let isWell = Latch()
            try await withServer({ _ in
                isWell.isOpen ? [.json(Desk.result())] : [.empty("503 Service Unavailable")]
            }) { desk, _ in
                try await desk.wait { !($0.gate.servers.first?.errors.entries.isEmpty ?? true) }
                let ill = await health(desk)
                #expect(ill?.state == .degraded)
                #expect(ill?.error == "The server answers with HTTP 503.")
                #expect(ill?.since != nil)
                isWell.open()
                try await desk.wait { path in path.gate.servers.first?.health(now: 0).state == .up }
                #expect(await health(desk)?.errors.entries.first?.words == "The server answers with HTTP 503.")
            }
        }

        @Test("The sign-in is shown where there is one, and none is asked for")
        func credentials() async throws {
            for (state, shown) in [
                (FakeCredentials.ready("t-1"), "Bearer t-1"), (CredentialState.refused(.locked), nil),
                (.stale(id: "c"), nil),
            ] {
                let credentials = FakeCredentials(state)
                try await withServer(
                    { _ in [.empty("401 Unauthorized")] },
                    credentials: credentials,
                    needsCredential: true
                ) { desk, upstream in
                    try await upstream.wait { $0.body.contains("doorward-health") }
                    try await desk.wait { $0.gate.servers.first?.answered ?? .min > 0 }
                    #expect(upstream.requests.first?.header("Authorization") == shown)
                    #expect(await health(desk)?.state == (shown == nil ? .up : .degraded))
                    #expect(credentials.renewals.isEmpty)
                }
            }
        }
    }
}
