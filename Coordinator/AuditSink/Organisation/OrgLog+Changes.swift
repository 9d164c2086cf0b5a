internal import AuditLog
package import Database
package import StrictJSON

extension OrgLog {
    /// States in the organisation's log that an administrator has changed something, and keeps what it was beside it.
    ///
    /// - Parameters:
    ///   - what: what was changed, as a path of up to 256 bytes: `policy`, `servers/github`.
    ///   - before: what was there; nil where nothing was.
    ///   - after: what is there now; nil where nothing is.
    ///   - who: the pseudonym of who made it, or `coordinator`.
    ///   - time: when, in microseconds since 1970.
    ///   - transaction: the one that changes it.
    /// - Returns: the leaf's position.
    /// - Throws: what `append` throws.
    @discardableResult
    package func state(
        _ what: JSONText,
        before: StatedText?,
        after: StatedText?,
        by who: String,
        at time: Int64,
        in transaction: SQLTransaction
    ) throws -> Int {
        let change = OrgLeaf.AdminChange(
            who: JSONText(who),
            what: what,
            before: before?.digest,
            after: after?.digest
        )
        let position = try append(.adminChange(change), at: time, in: transaction)
        try transaction.execute(
            "UPDATE org_change SET before_text = ?, after_text = ? WHERE position = ?",
            [Self.value(before), Self.value(after), .integer(position)]
        )
        return position
    }

    private static func value(_ text: StatedText?) -> SQLValue { text?.text.map { .blob($0) } ?? .null }

    /// What finds a change again; in the transaction of its leaf.
    func index(_ body: OrgLeaf.Body, at position: Int, time: Int64, in transaction: SQLTransaction) throws {
        guard case .adminChange(let change) = body else { return }
        try transaction.execute(
            "INSERT INTO org_change (position, time, who, what) VALUES (?, ?, ?, ?)",
            [.integer(position), .integer(Int(time)), .text(change.who.string), .text(change.what.string)]
        )
    }
}
