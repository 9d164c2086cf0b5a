internal import AuditSink
package import Contract
internal import Database
package import Rights
internal import ServiceKit
internal import StrictJSON

extension Registry {
    /// What became of documents that were brought in.
    package struct Imported: Sendable {
        /// The aliases of those that are in use now.
        package var registered: [String] = []
        /// Those that wait for an administrator.
        package var proposals: [ListedProposal] = []
        /// The names of those that say nothing new.
        package var unchanged: [String] = []
        /// What a registry has that could not be taken.
        package var problems: [FieldProblem] = []
    }

    /// Takes documents in: all of them, or none.
    ///
    /// They become proposals, which an administrator signs off. With `registering`, one that has our settings, is called by its
    /// URL and takes nothing of another server's is in use at once: an administrator who brings in such a document has
    /// written an entry, as with `add`.
    ///
    /// - Parameters:
    ///   - documents: official `server.json`s.
    ///   - registering: whether those that are whole entries are registered.
    ///   - permit: the person who brings them in.
    /// - Returns: what became of each.
    /// - Throws: `Refused`: `import_refused`, with a problem for each place that is wrong; `registry_full`, `proposals_full`.
    package func bringIn(
        _ documents: [BroughtDocument],
        registering: Bool,
        by permit: Permit<Right.EditServers>
    ) async throws -> Imported {
        let judged = try Self.judged(documents)
        let wall = clock.wall()
        let now = Int(wall / 1_000_000)
        return try await database.write { transaction in
            let who = try log.standing(permit, at: now, in: transaction).sub
            var imported = Imported()
            for (document, place) in judged {
                if registering, let entry = try wholeEntry(document, in: transaction) {
                    try put(entry, of: EntryOrigin(choice: EntryChoice()), by: who, at: wall, in: transaction)
                    imported.registered.append(entry.server.alias)
                    continue
                }
                let proposal = Proposal(source: "", document: document, place: place, madeAt: now)
                if try propose(proposal, by: who, in: transaction) {
                    imported.proposals.append(try listed(proposal, in: transaction))
                } else {
                    imported.unchanged.append(proposal.name)
                }
            }
            if !imported.proposals.isEmpty {
                let ids = JSONValue.array(imported.proposals.map { .text($0.proposal.id) })
                try state("proposals", before: nil, after: ids.bytes, by: who, at: wall, in: transaction)
            }
            return imported
        }
    }

    /// All of them, if nothing is wrong with any.
    private static func judged(_ documents: [BroughtDocument]) throws -> [(ServerDocument, String?)] {
        var problems: [FieldProblem] = []
        var names: [String: String] = [:]
        var judged: [(ServerDocument, String?)] = []
        for each in documents {
            do throws(ShapeError) {
                let document = try each.judged()
                let name = document.summary.name.lowercased()
                if let other = names[name] {
                    throw ShapeError("name", "is that of \(other) too, and one name has one document")
                }
                names[name] = each.place ?? "another document"
                judged.append((document, each.place))
            } catch {
                problems.append(each.problem(error))
            }
        }
        guard problems.isEmpty else { throw Refused.importRefused(problems) }
        return judged
    }

    /// The entry that a document is by itself; nil where something has to be chosen, seen or replaced.
    private func wholeEntry(_ document: ServerDocument, in transaction: SQLTransaction) throws -> RegistryEntry? {
        guard document.meta.settings != nil, document.packages.isEmpty, document.remotes.count == 1,
            let entry = try? EntryMaker(document: document).entry(EntryChoice()), entry.server.command == nil,
            try stored(entry.server.alias, in: transaction) == nil,
            try aliases(of: document.summary.name, in: transaction).isEmpty
        else { return nil }
        return entry
    }
}
