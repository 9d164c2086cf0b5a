package import Contract
internal import Database
package import Rights
internal import ServiceKit
internal import StrictJSON

extension Fleet {
    /// Takes in how the servers of a machine do, in place of what it said before.
    package func take(_ report: HealthReport, from machine: CallingMachine) async throws {
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE agent SET health = ?, health_at = ? WHERE agent_id = ?",
                [.blob(report.json.bytes), .integer(clock.seconds), .text(machine.id)]
            )
        }
    }
}
