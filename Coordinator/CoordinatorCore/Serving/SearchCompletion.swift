internal import AuditSink
internal import Database
internal import Logging
internal import ServiceKit

/// Makes quick to find what an earlier release has stored and not come to: once, before anything is served.
struct SearchCompletion: Sendable {
    let database: SQLDatabase
    let logger: Logger

    /// How often is said how far it is.
    private static let pause = Duration.seconds(5)

    /// Returns once everything can be found; interrupted, the next start goes on where it was.
    func run() async throws {
        let backlog = SearchBacklog(database: database)
        let all = try await backlog.count()
        guard all > 0 else { return }
        logger.notice("Uploads of an earlier release are made quick to find.", metadata: ["uploads": "\(all)"])
        var left = all
        var told = ContinuousClock.now
        while left > 0 {
            left = try await backlog.step()
            guard .now - told >= Self.pause else { continue }
            told = .now
            ServiceNotification.starting(for: .seconds(60))
            logger.notice(
                "Uploads are still made quick to find.",
                metadata: ["uploads.done": "\(all - left)", "uploads": "\(all)"]
            )
        }
        logger.notice("All uploads are quick to find.", metadata: ["uploads": "\(all)"])
    }
}
