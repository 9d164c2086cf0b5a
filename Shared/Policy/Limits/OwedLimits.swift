package import StrictJSON

/// What earlier runs of an agent owe to the limits.
package struct OwedLimits: Sendable {
    /// A call that passed after the debts were written down.
    package struct Call: Hashable, Sendable {
        package let client: JSONText
        package let server: JSONText
        /// The tool's name as its record has it.
        package let tool: JSONText
        /// Nanoseconds since it passed; 0 if unknown.
        package let age: Int64

        /// A call of these names.
        package init(client: JSONText, server: JSONText, tool: JSONText, age: Int64) {
            self.client = client
            self.server = server
            self.tool = tool
            self.age = age
        }
    }

    package let debts: [LimitDebt]
    /// Nanoseconds since the debts were written down; 0 if unknown.
    package let elapsed: Int64
    /// In the order in which they passed.
    package let calls: [Call]
    /// How records have a name: as it is, or `sha256:` and its hash.
    let recorded: @Sendable (JSONText) -> JSONText

    /// What is owed since `elapsed` nanoseconds, and the calls after that.
    package init(
        debts: [LimitDebt],
        elapsed: Int64,
        calls: [Call] = [],
        recorded: @escaping @Sendable (JSONText) -> JSONText = { $0 }
    ) {
        self.debts = debts
        self.elapsed = elapsed
        self.calls = calls
        self.recorded = recorded
    }
}

extension LimitTable {
    /// Takes over the debts of earlier runs; debts to rules that are not here wait until these come back.
    ///
    /// - Parameters:
    ///   - owed: The debts, and the calls that are not yet in them.
    ///   - now: The time.
    package func restore(_ owed: OwedLimits, now: Int64) {
        restore(owed.debts, elapsed: owed.elapsed, now: now)
        for call in owed.calls {
            let then = now - min(max(call.age, 0), max(now, 0))
            count(call, recorded: owed.recorded, then: then, now: now)
        }
    }
}
