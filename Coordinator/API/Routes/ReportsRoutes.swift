internal import AuditSink
internal import Bytes
internal import Contract
internal import HTTPTypes
internal import Rights
internal import ServiceKit

/// `/v1/reports`: what happened, with its proofs.
struct ReportsRoutes: Sendable {
    let reports: Reports
    let clock: MachineClock

    var operations: [Operation] {
        [
            Operation("POST", "/v1/reports", for: Right.MakeReports.self) { call, permit in
                let now = UTCTime(microseconds: Int(clock.wall()))
                let report = try await reports.make(try ReportChoice(try call.json(), now: now), for: permit)
                var headers: HTTPFields = [.contentDisposition: "attachment; filename=\"report.tar.gz\""]
                if let name = HTTPField.Name("Doorward-Report-Records") { headers[name] = "\(report.count)" }
                let archive = try ReportArchive(report, clock: clock)
                return Answer(type: ReportArchive.mediaType, headers: headers, body: archive.body)
            }
        ]
    }
}
