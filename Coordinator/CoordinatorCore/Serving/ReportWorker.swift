internal import AuditSink
internal import ServiceLifecycle

/// Makes the reports that are asked for without waiting, until the program is asked to end.
struct ReportWorker: Service, CustomStringConvertible {
    let jobs: ReportJobs

    var description: String { "reports" }

    func run() async throws {
        // A report that is under way is lost with the process, and so is every one that is not fetched.
        await cancelWhenGracefulShutdown { await jobs.work() }
    }
}
