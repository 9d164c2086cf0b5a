internal import AuditSink
package import Contract
internal import Database
package import Rights
internal import ServiceKit
package import StrictJSON

extension Registry {
    /// A proposal with the entry that would be made of it.
    package struct Review: Sendable {
        package let proposal: Proposal
        /// The server in use that it would take the place of; nil of a new one.
        package let updates: String?
        /// The entry; nil where something has to be chosen first, which `problem` names.
        package let entry: RegistryEntry?
        package let problem: String?
        /// What differs from the entry in use, line by line, with every character seen; all of a new one.
        package let diff: String

        /// The proposal with all of it.
        package var json: JSONValue {
            guard case .object(var object) = proposal.json(updates: updates) else { return .null }
            object["document"] = proposal.document.json
            object["entry"] = entry?.json ?? .null
            object["problem"] = problem.map { .text($0) } ?? .null
            object["diff"] = .text(diff)
            return .object(object)
        }
    }

    /// What would become of a proposal if nothing more were chosen; throws a `Refused`, `unknown_proposal`.
    package func review(_ id: String, for _: Permit<Right.ReadServers>) async throws -> Review {
        try await database.read { view in try review(try proposal(id, in: view), as: EntryChoice(), in: view).review }
    }

    /// What would become of a proposal if it were taken so; throws a `Refused`, `unknown_proposal`.
    package func preview(
        _ id: String,
        as choice: EntryChoice,
        for _: Permit<Right.EditServers>
    ) async throws -> Review {
        try await database.read { view in try review(try proposal(id, in: view), as: choice, in: view).review }
    }

    /// Signs a proposal off: agents hear of its server at once.
    ///
    /// - Parameters:
    ///   - id: the proposal, whose id stands for exactly what was seen of it.
    ///   - choice: how it is taken.
    ///   - isReplacing: whether it may take the place of a server of that alias which came from elsewhere.
    ///   - permit: the administrator.
    /// - Returns: the entry, and what differed from the one that was in use.
    /// - Throws: `Refused`: `unknown_proposal`, `proposal_withdrawn`, `invalid_entry`, `alias_taken`, `registry_full`.
    package func approve(
        _ id: String,
        as choice: EntryChoice,
        isReplacing: Bool = false,
        by permit: Permit<Right.EditServers>
    ) async throws -> Review {
        let wall = clock.wall()
        let now = Int(wall / 1_000_000)
        return try await database.write { transaction in
            let who = try log.standing(permit, at: now, in: transaction).sub
            let proposal = try proposal(id, in: transaction)
            guard proposal.status != .deleted else { throw Refused.proposalWithdrawn }
            let (review, chosen, error) = try review(proposal, as: choice, in: transaction)
            guard let entry = review.entry else {
                throw Refused.malformed(error ?? ShapeError("", "cannot be taken"), code: "invalid_entry")
            }
            let alias = entry.server.alias
            let isTaken = try stored(alias, in: transaction) != nil
            guard !isTaken || review.updates == alias || isReplacing else { throw Refused.aliasTaken(alias) }
            try put(
                entry,
                of: EntryOrigin(source: proposal.source, choice: chosen),
                by: who,
                at: wall,
                in: transaction
            )
            if proposal.status == .deprecated {
                let message = proposal.statusMessage ?? "Its maker has deprecated it."
                try mark(alias, message, at: now, in: transaction)
            }
            try decide(proposal, .approved, by: who, at: now, in: transaction)
            return review
        }
    }

    /// Says that a proposal is not taken: it waits no more, and comes back when its source says something else.
    ///
    /// - Throws: `Refused`: `unknown_proposal`.
    package func reject(_ id: String, by permit: Permit<Right.EditServers>) async throws -> Proposal {
        let wall = clock.wall()
        let now = Int(wall / 1_000_000)
        return try await database.write { transaction in
            let who = try log.standing(permit, at: now, in: transaction).sub
            let proposal = try proposal(id, in: transaction)
            try decide(proposal, .rejected, by: who, at: now, in: transaction)
            let document = proposal.document.json.bytes
            try state("proposals/\(id)", before: document, after: nil, by: who, at: wall, in: transaction)
            return proposal
        }
    }

    private func decide(
        _ proposal: Proposal,
        _ state: Proposal.State,
        by who: String,
        at now: Int,
        in transaction: SQLTransaction
    ) throws {
        try transaction.execute(
            "UPDATE proposal SET state = ?, decided_at = ?, decided_by = ? WHERE id = ?",
            [.text(state.rawValue), .integer(now), .text(who), .text(proposal.id)]
        )
    }

    private func proposal(_ id: String, in view: some SQLReading) throws -> Proposal {
        guard let row = try view.first("SELECT * FROM proposal WHERE id = ?", [.text(id)]) else {
            throw Refused.unknownProposal
        }
        return try Proposal(row)
    }

    private func review(
        _ proposal: Proposal,
        as choice: EntryChoice,
        in view: some SQLReading
    ) throws -> (review: Review, chosen: EntryChoice, error: ShapeError?) {
        let known = try aliases(of: proposal.name, source: proposal.source, in: view)
        let updates = choice.alias.map { alias in known.first { $0 == alias } } ?? known.first
        let (former, settings) = try updates.map { try choiceMade(of: $0, in: view) } ?? (nil, JSONObject())
        let maker = EntryMaker(document: proposal.document, former: former, inUse: settings)
        var (entry, problem): (RegistryEntry?, ShapeError?)
        do {
            entry = try maker.entry(choice)
        } catch let error as ShapeError {
            problem = error
        }
        // Also of one that would be replaced, whatever it has come from.
        let inUse = try (entry?.server.alias ?? updates).flatMap { try stored($0, in: view) }
        let new = entry?.json.bytes ?? proposal.document.json.bytes
        let review = Review(
            proposal: proposal,
            updates: updates,
            entry: entry,
            problem: problem?.description,
            diff: JSONDiff.text(from: inUse, to: new)
        )
        return (review, former.map(choice.over) ?? choice, problem)
    }

    /// How the server in use was taken, and what it is set to, by hand as well.
    private func choiceMade(
        of alias: String,
        in view: some SQLReading
    ) throws -> (choice: EntryChoice?, settings: JSONObject) {
        guard let bytes = try stored(alias, in: view) else { return (nil, JSONObject()) }
        let entry = try JSONValue(parsing: bytes, limits: RegistryEntry.limits)
        var settings = entry["_meta"]?[RegistryEntry.settingsName]?.object ?? JSONObject()
        // What is started belongs to the way that is chosen.
        settings["stdio"] = nil
        var choice = try origin(of: alias, in: view).choice
        choice?.alias = alias
        return (choice, settings)
    }
}
