internal import Database
internal import Logging
internal import ServiceKit
internal import Synchronization

/// Looks every second how much room there is, and says when that changes.
final class StorageWatch: Sendable {
    private let database: SQLDatabase
    private let logger: Logger
    private let takesRecords: Gauge
    private let last = Mutex(StorageRoom.ample)

    init(database: SQLDatabase, metrics: MetricsRegistry, logger: Logger) {
        self.database = database
        self.logger = logger
        takesRecords = metrics.gauge(
            "doorward_storage_takes_records",
            help: "1 while there is room for records; 0 while none are taken."
        )
        takesRecords.set(1)
    }

    func look() async throws {
        try await database.lookForRoom()
        let room = database.room
        takesRecords.set(room == .ample ? 1 : 0)
        let was = last.withLock { last in
            defer { last = room }
            return last
        }
        switch (was, room) {
        case (.ample, .ample), (.scarce, .scarce), (.full, .full): break
        case (_, .ample): logger.notice("There is room again, and records are taken.")
        case (_, .scarce(let free)):
            logger.error(
                "The disk has less free than is to be kept: no records are taken until there is room.",
                metadata: ["free": "\(free)"]
            )
        case (_, .full): logger.error("The disk is full: changes of administrators are stored in the reserve.")
        }
    }
}
