internal import AuditSink
internal import Bytes
internal import Contract
internal import HTTPTypes
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/reports/jobs`: reports that are made while nobody waits, and fetched when they are ready.
struct ReportJobsRoutes: Sendable {
    let jobs: ReportJobs
    let clock: MachineClock

    var operations: [Operation] {
        [
            Operation("POST", "/v1/reports/jobs", for: Right.MakeReports.self) { call, permit in
                let now = UTCTime(microseconds: Int(clock.wall()))
                let job = jobs.begin(try ReportChoice(try call.json(), now: now), by: permit)
                return .json(job.json, status: .accepted)
            },
            Operation("GET", "/v1/reports/jobs/{id}", for: Right.MakeReports.self) { call, permit in
                .json(try jobs.job(call.parameters[0], for: permit).json)
            },
            Operation("GET", "/v1/reports/jobs/{id}/archive", for: Right.MakeReports.self) { call, permit in
                let report = try jobs.report(call.parameters[0], for: permit)
                var headers: HTTPFields = [.contentDisposition: "attachment; filename=\"report.tar.gz\""]
                if let name = HTTPField.Name("Doorward-Report-Records") { headers[name] = "\(report.count)" }
                let archive = try ReportArchive(report, clock: clock)
                return Answer(type: ReportArchive.mediaType, headers: headers, body: archive.body)
            },
        ]
    }
}
