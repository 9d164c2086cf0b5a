internal import Database
internal import Logging
internal import ServiceKit
internal import ServiceLifecycle

/// Ends long polls at once when the program is asked to end, and says so to the operator.
///
/// Started last, so that it is the first to end: the server then finds every request answered.
struct LongPollShutdown: Service {
    let changes: Signal
    let logger: Logger

    func run() async throws {
        // However it ends: no poll is left waiting.
        defer { changes.close() }
        try await gracefulShutdown()
        logger.info("The coordinator is asked to end.")
        ServiceNotification.stopping()
    }
}
