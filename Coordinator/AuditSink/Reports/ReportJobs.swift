internal import Bytes
package import Contract
package import Rights
package import ServiceKit
package import StrictJSON
internal import Synchronization

/// Reports that are made while nobody waits for them: who asked looks how far it is, and fetches it when it is ready.
///
/// * One of each person: a new one takes the place of the former.
/// * Limits: so many at once as `Reports` allows; what is not fetched within `life` is forgotten, and all with the process.
package final class ReportJobs: Sendable {
    /// How long a finished report is kept, in seconds.
    package static let life = 900

    private struct Entry: Sendable {
        let sub: String
        var job: ReportJob
        var report: Report?
        var end: Int?
    }

    private let reports: Reports
    private let clock: MachineClock
    private let entries = Mutex<[String: Entry]>([:])
    private let arrivals: AsyncStream<String>
    private let arrive: AsyncStream<String>.Continuation

    /// Jobs that `reports` does.
    package init(reports: Reports, clock: MachineClock) {
        self.reports = reports
        self.clock = clock
        (arrivals, arrive) = AsyncStream.makeStream()
    }

    // MARK: Asking

    /// Begins a report in place of the caller's former one; returns the job as it is then.
    package func begin(_ choice: ReportChoice, by permit: Permit<Right.MakeReports>) -> ReportJob {
        var generator = SystemRandomNumberGenerator()
        let id = Base64.url((0..<12).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let job = ReportJob(id: id, choice: choice, state: .waiting)
        entries.withLock { entries in
            entries = entries.filter { $0.value.sub != permit.sub }
            entries[id] = Entry(sub: permit.sub, job: job)
        }
        arrive.yield(id)
        return job
    }

    /// The caller's job of this id; throws `Refused`, `unknown_report`.
    package func job(_ id: String, for permit: Permit<Right.MakeReports>) throws -> ReportJob {
        try entry(id, permit.sub).job
    }

    /// The caller's job, if there is one.
    package func job(for permit: Permit<Right.MakeReports>) -> ReportJob? {
        sweep()
        return entries.withLock { entries in entries.values.first { $0.sub == permit.sub }?.job }
    }

    /// The finished report of a job; throws `Refused`: `unknown_report`, `report_not_ready`.
    package func report(_ id: String, for permit: Permit<Right.MakeReports>) throws -> Report {
        guard let report = try entry(id, permit.sub).report else { throw Refused.reportNotReady }
        return report
    }

    private func entry(_ id: String, _ sub: String) throws -> Entry {
        sweep()
        // Another person's is not told from one that never was.
        guard let entry = entries.withLock({ $0[id] }), entry.sub == sub else { throw Refused.unknownReport }
        return entry
    }

    /// Forgets what was not fetched in time.
    private func sweep() {
        let now = Int(clock.wall() / 1_000_000)
        entries.withLock { entries in entries = entries.filter { $0.value.end.map { now < $0 } ?? true } }
    }

    // MARK: Working

    /// Makes what is asked for, one after the other, until the task is cancelled.
    package func work() async {
        for await id in arrivals {
            guard let choice = entries.withLock({ $0[id]?.job.choice }) else { continue }
            let outcome: Result<Report, any Error>
            do {
                outcome = .success(try await reports.make(choice) { [self] in update(id, .making(done: $0, of: $1)) })
            } catch {
                // Reported: the person who asked looks at it.
                outcome = .failure(error)
            }
            finish(id, outcome)
            if Task.isCancelled { return }
        }
    }

    private func update(_ id: String, _ state: ReportJob.State) {
        entries.withLock { entries in entries[id]?.job.state = state }
    }

    private func finish(_ id: String, _ outcome: Result<Report, any Error>) {
        let end = Int(clock.wall() / 1_000_000) + Self.life
        entries.withLock { entries in
            guard entries[id] != nil else { return }
            entries[id]?.end = end
            switch outcome {
            case .success(let report):
                entries[id]?.report = report
                entries[id]?.job.state = .ready(records: report.count, bytes: report.files.reduce(0) { $0 + $1.size })
            case .failure(let error):
                entries[id]?.job.state = .failed(error as? Refused ?? .reportFailed)
            }
        }
    }
}

/// A report that is being made, or was.
package struct ReportJob: Sendable, Equatable {
    /// How far it is.
    package enum State: Sendable, Equatable {
        /// Others are made before.
        case waiting
        /// So many records were looked at, of so many.
        case making(done: Int, of: Int)
        case ready(records: Int, bytes: Int)
        case failed(Refused)
    }

    package let id: String
    package let choice: ReportChoice
    package internal(set) var state: State

    /// As `/v1/reports/jobs/{id}` shows it.
    package var json: JSONValue {
        var object: JSONObject = ["id": .text(id), "choice": choice.json]
        switch state {
        case .waiting: object["state"] = "waiting"
        case .making(let done, let all):
            object["state"] = "making"
            object["done"] = .int(done)
            object["of"] = .int(all)
        case .ready(let records, let bytes):
            object["state"] = "ready"
            object["records"] = .int(records)
            object["bytes"] = .int(bytes)
        case .failed(let refused):
            object["state"] = "failed"
            object["error"] = [
                "code": .text(refused.code), "message": .text(refused.message),
                "next": refused.next.map { .text($0) } ?? .null,
            ]
        }
        return .object(object)
    }
}

extension Refused {
    fileprivate static let unknownReport = Refused(
        "unknown_report",
        "There is no such report of yours, or no longer.",
        next: "Make it again: a report is kept for a quarter of an hour."
    )

    fileprivate static let reportNotReady = Refused(
        "report_not_ready",
        "The report is not ready.",
        next: "Look again in a moment.",
        members: ["retry_after": 2]
    )

    fileprivate static let reportFailed = Refused(
        "report_failed",
        "The report could not be made.",
        next: "The coordinator's log says why. Ask for a shorter time."
    )
}
