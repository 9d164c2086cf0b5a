package import Contract
internal import Database
internal import Definitions
internal import People
internal import PolicyStore
internal import Registry
package import Rights

extension Fleet {
    /// Takes in how a server has described its tools to a machine.
    ///
    /// - Parameters:
    ///   - report: what the machine was shown.
    ///   - machine: which one.
    /// - Throws: `Refused`: `other_entry` for a server that its person does not know under this entry, and what
    ///   `ToolDefinitions.take` throws.
    package func take(_ report: ToolsReport, from machine: CallingMachine) async throws {
        let entry = try await database.read { view -> ServerEntry? in
            guard let person = try people.person(sub: machine.sub, in: view) else { return nil }
            let policy = try desk.current(in: view)
            let known = try entries(for: person, binding(of: person, policy, in: view), policy, in: view)
            return known.first { $0.alias.utf8.elementsEqual(report.server.utf8) }
        }
        guard let entry, entry.digest == report.entry else { throw Refused.otherEntry }
        try await database.write { transaction in
            // The registry may have changed meanwhile; then the row that all of it belongs to is gone, or another one.
            guard try registry.entry(report.server, in: transaction)?.digest == report.entry else {
                throw Refused.otherEntry
            }
            try definitions.take(report, of: entry, by: machine.id, in: transaction)
        }
    }
}
