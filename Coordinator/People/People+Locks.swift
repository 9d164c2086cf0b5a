package import AuditSink
internal import Bytes
package import Contract
internal import Database
package import Rights
package import StrictJSON

extension People {
    /// Locks a person: from the commit on none of the person's machines passes a call, once it has heard of it, and no token
    /// and no browser session of the person opens anything.
    ///
    /// - Parameters:
    ///   - id: the person's pseudonym or e-mail address; one who is locked already stays so, for the new reason.
    ///   - why: for those who look at it later.
    ///   - permit: who does it; not to a person with a higher role, and not to themselves.
    /// - Returns: the person.
    /// - Throws: `Refused`: `unknown_user`, `role_needed`, `own_lock`, `invalid_request`.
    package func lock(_ id: String, why: String?, by permit: Permit<Right.RevokeMachines>) async throws -> Person {
        try Self.check(why: why)
        return try await change(id, by: permit) { person, caller, transaction in
            guard person.sub != caller.sub else { throw Refused.ownLock }
            try transaction.execute(
                "UPDATE person SET locked_at = COALESCE(locked_at, ?), locked_why = ? WHERE sub = ?",
                [.integer(clock.seconds), .text(why), .text(person.sub)]
            )
        }
    }

    /// Takes the lock off a person, and lets a person in whom the identity provider does not name any more.
    ///
    /// Until the next sign-in the provider has no say then. Nothing happens where there is neither.
    ///
    /// - Parameters:
    ///   - id: the person's pseudonym or e-mail address.
    ///   - permit: who does it; not to a person with a higher role.
    /// - Returns: the person.
    /// - Throws: `Refused`: `unknown_user`, `role_needed`.
    package func unlock(_ id: String, by permit: Permit<Right.RevokeMachines>) async throws -> Person {
        try await change(id, by: permit) { person, caller, transaction in
            try transaction.execute(
                "UPDATE person SET locked_at = NULL, locked_why = NULL WHERE sub = ?",
                [.text(person.sub)]
            )
            let isLapsed = try transaction.first(
                "SELECT 1 FROM identity WHERE sub = ? AND lapsed_at IS NOT NULL",
                [.text(person.sub)]
            )
            guard isLapsed != nil else { return }
            try letGo(person, by: caller.sub, in: transaction)
        }
    }

    private func change(
        _ id: String,
        by permit: Permit<Right.RevokeMachines>,
        _ change: @escaping @Sendable (Person, Caller, SQLTransaction) throws -> Void
    ) async throws -> Person {
        try await database.write { transaction in
            let caller = try standing(permit, in: transaction).caller
            guard let person = try person(id: id, in: transaction), person.removedAt == nil else {
                throw Refused.unknownUser
            }
            try Self.refuse(above: person.role, caller)
            try change(person, caller, transaction)
            guard let changed = try self.person(sub: person.sub, in: transaction) else { throw Refused.unknownUser }
            guard changed.lock != person.lock else { return changed }
            try state(
                "people/\(person.sub)/lock",
                before: person.lock?.stated,
                after: changed.lock?.stated,
                by: caller.sub,
                in: transaction
            )
            try revisions.raisePerson(sub: person.sub, in: transaction)
            return changed
        }
    }

    /// Refuses a reason that could not be shown.
    package static func check(why: String?) throws {
        guard let why, !MachineLock.isLine(why) else { return }
        throw Refused.malformed(
            ShapeError("why", "must be 1 to \(MachineLock.longestWhy) characters in one line"),
            code: "invalid_request"
        )
    }
}

extension Lock {
    /// What the organisation's log has the digest of.
    package var stated: JSONValue {
        // The canonical form has no null.
        var stated: JSONObject = ["since": .int(since.seconds)]
        if let why { stated["why"] = .text(why) }
        return .object(stated)
    }

    /// As the member `locked` of a person or a machine.
    package var json: JSONValue { ["since": .text(since.shortText), "why": why.map { .text($0) } ?? .null] }
}

extension Refused {
    /// Whoever locks themselves out could not take the lock off.
    package static let ownLock = Refused(
        "own_lock",
        "This would lock yourself out, and the lock could be taken off by somebody else only.",
        next: "Ask another administrator to do it."
    )
}
