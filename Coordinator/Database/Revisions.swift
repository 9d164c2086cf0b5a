package import ServiceKit

/// The counter by which agents learn what they do not have yet.
///
/// Whatever changes takes the next number as its revision. A machine that has everything up to N has missed what has
/// a revision above N, and nothing else. Each raise wakes those who wait, once it is committed.
package struct Revisions: Sendable {
    /// Given after each committed change.
    package let changes: Signal

    /// The revisions that are counted for everyone.
    package struct Current: Sendable, Equatable {
        /// Of the policy's bundle.
        package let bundle: Int
        /// Of the registry.
        package let entries: Int
        /// Of the approval of tools.
        package let pins: Int
    }

    /// The counter whose raises give the signal.
    package init(changes: Signal) { self.changes = changes }

    /// What was counted last.
    package func current(in view: some SQLReading) throws -> Current {
        guard let row = try view.first("SELECT bundle, entries, pins FROM revision") else {
            throw SQLError.schema(column: "id")
        }
        return Current(
            bundle: try row.integer("bundle"),
            entries: try row.integer("entries"),
            pins: try row.integer("pins")
        )
    }

    /// The bundle has changed, or was signed again.
    package func raiseBundle(in transaction: SQLTransaction) throws {
        try transaction.execute("UPDATE revision SET last = last + 1, bundle = last + 1")
        ringAfter(transaction)
    }

    /// The registry has changed.
    package func raiseEntries(in transaction: SQLTransaction) throws {
        try transaction.execute("UPDATE revision SET last = last + 1, entries = last + 1")
        ringAfter(transaction)
    }

    /// Definitions of tools were approved.
    package func raisePins(in transaction: SQLTransaction) throws {
        try transaction.execute("UPDATE revision SET last = last + 1, pins = last + 1")
        ringAfter(transaction)
    }

    /// Who a person is has changed, or one of the person's machines was revoked.
    package func raisePerson(sub: String, in transaction: SQLTransaction) throws {
        try transaction.execute("UPDATE revision SET last = last + 1")
        try transaction.execute(
            "UPDATE person SET revision = (SELECT last FROM revision) WHERE sub = ?",
            [.text(sub)]
        )
        ringAfter(transaction)
    }

    private func ringAfter(_ transaction: SQLTransaction) {
        let changes = changes
        transaction.afterCommit { changes.notify() }
    }
}
