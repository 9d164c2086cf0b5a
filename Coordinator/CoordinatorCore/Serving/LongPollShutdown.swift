internal import Database
internal import Logging
internal import ServiceKit
internal import ServiceLifecycle

/// Ends long polls at once when the program is asked to end, and says so to the operator.
///
/// Started last, so that it is the first to end: the server then finds every request answered.
struct LongPollShutdown: Service, CustomStringConvertible {
    let changes: Signal
    let logger: Logger

    /// What the group that runs services prints, which would else be all that this has, by reflection.
    var description: String { "end of long polls" }

    func run() async throws {
        // However it ends: no poll is left waiting.
        defer { changes.close() }
        try await gracefulShutdown()
        logger.info("The coordinator is asked to end.")
        ServiceNotification.stopping()
    }
}
