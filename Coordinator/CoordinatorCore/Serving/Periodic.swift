internal import API
internal import Logging
internal import ServiceLifecycle

/// Work that comes up again and again: done at the start and then at an interval, until the program ends.
struct Periodic: Service, CustomStringConvertible {
    let name: String
    let interval: Duration
    let logger: Logger
    /// Returns whether there is more to do at once.
    let work: @Sendable () async throws -> Bool

    /// What the group that runs services prints, which would else be all that this has, by reflection.
    var description: String { name }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                var isMore = false
                do {
                    isMore = try await work()
                } catch {
                    // Repairable: whatever it was, it is tried again.
                    if Task.isCancelled { return }
                    logger.error(
                        "Work in the background failed.",
                        error: error,
                        metadata: ["work": "\(name)", "cause": "\(Failure.words(error))"]
                    )
                }
                // Ignorable: the only error is that the program ends.
                if !isMore { try? await Task.sleep(for: interval) }
            }
        }
    }
}
