package import Database
package import Rights
package import ServiceKit

/// How calls went in a stretch of time: over time, by server and by person.
///
/// Counted from records as they come in, so a machine that has been offline adds to hours that have passed. Records that were
/// stored by a release which did not count are not in it.
package struct Measures: Sendable {
    private let database: SQLDatabase
    private let clock: MachineClock

    /// So many servers and people are named; the report is for people to look at.
    private static let mostNamed = 200

    /// The counts in `database`.
    package init(database: SQLDatabase, clock: MachineClock) {
        self.database = database
        self.clock = clock
    }

    /// The counts of the time up to now.
    package func report(_ span: MeasureSpan, for _: Permit<Right.ReadRecords>) async throws -> MeasureReport {
        let now = Int(clock.wall() / 1_000_000)
        return try await database.read { view in
            var report = MeasureReport(span: span, now: now)
            try view.each(
                "SELECT * FROM server_measure WHERE hour >= ? AND hour <= ?",
                [.integer(report.from / 3600), .integer(now / 3600)]
            ) { row in
                report.add(try Tally(row), hour: try row.integer("hour"), server: try row.text("server"))
                return true
            }
            var people: [String: Tally] = [:]
            try view.each("SELECT * FROM person_measure WHERE day >= ?", [.integer(report.from / 86_400)]) { row in
                people[try row.text("sub"), default: Tally()].add(try Tally(row))
                return true
            }
            let first = people.sorted { ($1.value.calls, $0.key) < ($0.value.calls, $1.key) }.prefix(Self.mostNamed)
            for (sub, tally) in first {
                let email = try view.first("SELECT email FROM person WHERE sub = ?", [.text(sub)])?.text("email")
                report.people.append(MeasureReport.Named(name: email ?? sub, tally: tally))
            }
            return report
        }
    }
}

/// A stretch of time up to now, in steps.
package enum MeasureSpan: String, CaseIterable, Sendable {
    case day, week, month

    /// How many steps there are, and the length of each in hours.
    package var steps: (count: Int, hours: Int) {
        switch self {
        case .day: (24, 1)
        case .week: (28, 6)
        case .month: (30, 24)
        }
    }
}
