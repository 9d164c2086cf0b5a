package import Contract
internal import Database
package import Rights
internal import ServiceKit
internal import StrictJSON

extension Fleet {
    /// Takes in how a machine and its servers do, in place of what it said before; or that it ends.
    package func take(_ report: HealthReport, from machine: CallingMachine) async throws {
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE agent SET health = ?, health_at = ?, ended_at = ?, last_seen = ? WHERE agent_id = ?",
                [
                    .blob(report.json.bytes), .integer(clock.seconds),
                    report.isEnding ? .integer(clock.seconds) : .null,
                    .integer(clock.seconds), .text(machine.id),
                ]
            )
        }
    }
}
