import AuditLog
import AuditSink
import Bytes
import Contract
import Kits
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing

@Suite("Reports that nobody waits for")
struct ReportJobsTests {
    private static let all = ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 253_402_300_799))

    private func settled(_ jobs: ReportJobs, _ id: String, _ permit: Permit<Right.MakeReports>) async throws
        -> ReportJob
    {
        while true {
            let job = try jobs.job(id, for: permit)
            switch job.state {
            case .ready, .failed: return job
            case .waiting, .making: await Task.yield()
            }
        }
    }

    @Test("A report is made, fetched by who asked for it, by nobody else, and forgotten in time")
    func life() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(700)
        for old in stride(from: 0, to: 700, by: 100) { try await sink.store(agent, from: old, to: old + 100) }
        let now = Mutex(Sink.noon)
        let jobs = ReportJobs(reports: sink.reports, clock: MachineClock(wall: { now.withLock { $0 } }, boot: { 0 }))
        let (ann, bob): (Permit<Right.MakeReports>, Permit<Right.MakeReports>) =
            (try await sink.permit("owner"), try await sink.permit("other"))
        let work = Task { await jobs.work() }
        defer { work.cancel() }

        let job = jobs.begin(Self.all, by: ann)
        let done = try await settled(jobs, job.id, ann)
        guard case .ready(let records, let bytes) = done.state else {
            Issue.record("\(done.state)")
            return
        }
        #expect(records == 700 && bytes > 0)
        #expect(try jobs.report(job.id, for: ann).count == 700)
        #expect(jobs.job(for: ann)?.id == job.id)
        #expect(jobs.job(for: bob) == nil)
        #expect(throws: Refused.self) { try jobs.report(job.id, for: bob) }

        now.withLock { $0 += Int64(ReportJobs.life) * 1_000_000 }
        #expect(throws: Refused.self) { try jobs.report(job.id, for: ann) }
    }

    @Test("A new one takes the place of the former, and what cannot be made says why")
    func replaced() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let jobs = ReportJobs(reports: sink.reports, clock: MachineClock(wall: { Sink.noon }, boot: { 0 }))
        let permit: Permit<Right.MakeReports> = try await sink.permit()
        let first = jobs.begin(Self.all, by: permit)
        #expect(first.state == .waiting)
        #expect(throws: Refused.self) { try jobs.report(first.id, for: permit) }
        let second = jobs.begin(
            ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 1), user: "nobody@example.com"),
            by: permit
        )
        #expect(throws: Refused.self) { try jobs.job(first.id, for: permit) }
        let work = Task { await jobs.work() }
        defer { work.cancel() }
        guard case .failed(let refused) = try await settled(jobs, second.id, permit).state else {
            Issue.record("it was made")
            return
        }
        #expect(refused.code == "unknown_user")
    }
}
