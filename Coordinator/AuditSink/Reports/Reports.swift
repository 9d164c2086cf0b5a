package import Contract
package import Database
package import Rights
package import ServiceKit
internal import StrictJSON

/// Makes reports: what the coordinator has countersigned of the agents' logs, with all that proves it.
///
/// * Consistency: a report is made of one state of the database, while uploads go on.
/// * Memory: some kilobytes for each agent, and one batch, however many records there are; where one server is asked for,
///   48 bytes for each stretch of records about it, of the agent with the most. The records themselves go to the disk.
/// * Limits: 1 GiB of records in one report, two reports at a time, counted until they are sent and forgotten; both are
///   refused with the reason.
package final class Reports: Sendable {
    /// The largest `records.jsonl` in bytes, some two million records.
    package static let largest = 1 << 30
    /// While it is made each holds one of the database's four readers and a view that keeps its journal from shrinking,
    /// and until it is sent its records on the disk.
    private static let mostAtOnce = 2

    private let database: SQLDatabase
    private let log: OrgLog
    private let clock: MachineClock
    private let folder: String
    private let largest: Int
    private let places = ReportSlots(Reports.mostAtOnce)

    /// Reports of what is in `database`; records are held in nameless files in `folder` while a report is made and sent.
    package init(
        database: SQLDatabase,
        log: OrgLog,
        clock: MachineClock,
        folder: String,
        largest: Int = Reports.largest
    ) {
        self.database = database
        self.log = log
        self.clock = clock
        self.folder = folder
        self.largest = largest
    }

    /// Makes a report; it should be let go as soon as it is sent.
    ///
    /// - Throws: `Refused`: `unknown_user`, `report_too_large`, `report_busy`, `no_room`; what the disk and the database throw.
    package func make(_ choice: ReportChoice, for _: Permit<Right.MakeReports>) async throws -> Report {
        try await make(choice)
    }

    /// The same for a caller who was found to have the right; `progress` hears how many records were looked at, of how many.
    func make(
        _ choice: ReportChoice,
        progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> Report {
        // Its records go to the disk while it is made and sent. A machine's log can be copied without
        // (`LogRemoval.records`).
        guard database.room == .ample else { throw Refused.noRoom }
        guard let place = places.take() else { throw Refused.reportBusy }
        let now = clock.wall()
        return try await database.read { [log, folder, largest, database] view in
            var assembly = try ReportAssembly(choice, made: now, log: log, folder: folder, largest: largest, in: view)
            assembly.hasRoom = { database.room == .ample }
            assembly.progress = progress
            var report = try assembly.report()
            report.place = place
            return report
        }
    }
}

extension Refused {
    /// As many reports are being made or sent as may be at a time.
    static let reportBusy = Refused(
        "report_busy",
        "Two reports are made and sent at a time.",
        next: "Try again in a minute."
    )

    /// There are more records than one report may hold.
    static func reportTooLarge(bytes: Int) -> Refused {
        Refused(
            "report_too_large",
            "One report holds at most \(bytes >> 20) MiB of records.",
            next: "Ask for a shorter time, one user or one server."
        )
    }

    /// No server has, or ever had, this alias.
    static func unknownServer(_ alias: String) -> Refused {
        Refused(
            "unknown_server",
            "No server has the alias \(alias), and none ever had it.",
            next: "Run `doorward admin servers list` to see which there are.",
            members: ["server": .text(alias)]
        )
    }

    /// No person has this address.
    package static func unknownUser(_ user: String) -> Refused {
        Refused(
            "unknown_user",
            "Nobody has the e-mail address \(user).",
            next: "Run `doorward admin users` to see who there is.",
            members: ["user": .text(user)]
        )
    }
}
