package import StrictJSON

/// All limits of an agent and what was used of them.
///
/// It belongs to one event loop. Time is an argument: nanoseconds of a clock that runs on while the machine sleeps and
/// never jumps (`CLOCK_BOOTTIME`).
package final class LimitTable {
    /// Whether a call may pass.
    package enum Admission {
        case admitted(LimitPermit)
        /// The rule that makes the call wait longest, and how long; waiting so long is enough unless others come first.
        case limited(rule: JSONText, retryAfterMilliseconds: Int)
    }

    private struct Entry {
        let rule: LimitRule
        let limit: CompiledLimit
        /// What makes it the same rule in another version of the policy: all of it but its place.
        let identity: JSONText
        /// The one bucket of a limit for the user.
        let own: Bucket
        /// The buckets of a limit for each client, by the names of clients.
        var byClient: [JSONText: Bucket] = [:]
    }

    private var entries: [Entry] = []

    /// More clients than an agent can have: when there are so many, those at rest are forgotten.
    private static let manyClients = 4096

    /// A table of these limits, all at rest.
    package init(rules: [LimitRule] = []) {
        replace(rules: rules)
    }

    /// Takes other limits.
    ///
    /// One that stays the same keeps what was used of it, wherever it stands now.
    package func replace(rules: [LimitRule]) {
        var old: [JSONText: Entry] = [:]
        for entry in entries { old[entry.identity] = entry }
        var counts: [JSONText: Int] = [:]
        entries = rules.map { rule in
            var identity = rule.identity
            let count = counts[identity, default: 0]
            counts[identity] = count + 1
            if count > 0 { identity = JSONText(utf8: identity.utf8 + Array("#\(count)".utf8)) }
            let before = old[identity]
            return Entry(
                rule: rule,
                limit: CompiledLimit(rule),
                identity: identity,
                own: before?.own ?? Bucket(),
                byClient: before?.byClient ?? [:]
            )
        }
    }

    /// Lets a call pass every limit that matches it, or takes from none.
    ///
    /// - Parameters:
    ///   - client: the name of the client.
    ///   - server: the alias of the server.
    ///   - tool: the name of the tool.
    ///   - now: the time, never less than in the call before.
    /// - Returns: a permit that must be released when the call has ended, or the time to wait.
    package func admit(
        client: JSONText,
        server: JSONText,
        tool: UnsafeBufferPointer<UInt8>,
        now: Int64
    ) -> Admission {
        var longest: (index: Int, wait: Int64)?
        for index in entries.indices where entries[index].rule.matches(server: server, tool: tool) {
            let wait = bucket(index, client: client, now: now).wait(entries[index].limit, now: now)
            if wait > longest?.wait ?? 0 { longest = (index, wait) }
        }
        if let longest {
            let milliseconds = Int((longest.wait + 999_999) / 1_000_000)
            return .limited(rule: entries[longest.index].rule.name, retryAfterMilliseconds: milliseconds)
        }
        var permit = LimitPermit()
        for index in entries.indices where entries[index].rule.matches(server: server, tool: tool) {
            let bucket = bucket(index, client: client, now: now)
            bucket.take(entries[index].limit, now: now)
            if entries[index].limit.slots != nil { permit.hold(bucket) }
        }
        return .admitted(permit)
    }

    private func bucket(_ index: Int, client: JSONText, now: Int64) -> Bucket {
        guard entries[index].rule.per == .client else { return entries[index].own }
        if let bucket = entries[index].byClient[client] { return bucket }
        if entries[index].byClient.count >= Self.manyClients {
            entries[index].byClient = entries[index].byClient.filter { !$0.value.isAtRest(now: now) }
        }
        let bucket = Bucket()
        entries[index].byClient[client] = bucket
        return bucket
    }

    // MARK: Over a restart

    /// What is owed to the limits: a restart is no way to a full bucket.
    package func debts(now: Int64) -> [LimitDebt] {
        entries.flatMap { entry in
            let own = [LimitDebt(rule: entry.identity, client: nil, nanoseconds: entry.own.debt(now: now))]
            let others = entry.byClient.map { client, bucket in
                LimitDebt(rule: entry.identity, client: client, nanoseconds: bucket.debt(now: now))
            }
            return (own + others).filter { $0.nanoseconds > 0 }
        }
    }

    /// Takes over debts of an earlier table; those of rules that are no more are forgotten.
    ///
    /// - Parameters:
    ///   - debts: what `debts` returned.
    ///   - elapsed: nanoseconds since then, 0 if nobody knows.
    ///   - now: the time.
    package func restore(_ debts: [LimitDebt], elapsed: Int64 = 0, now: Int64) {
        for debt in debts {
            guard let index = entries.firstIndex(where: { $0.identity == debt.rule }) else { continue }
            guard (debt.client != nil) == (entries[index].rule.per == .client) else { continue }
            let rest = debt.nanoseconds - min(max(elapsed, 0), debt.nanoseconds)
            guard rest > 0 else { continue }
            let owed = debt.client.map { bucket(index, client: $0, now: now) } ?? entries[index].own
            owed.restore(debt: rest, entries[index].limit, now: now)
        }
    }
}

/// The slots that a call holds while it runs.
package struct LimitPermit {
    private var first: Bucket?
    /// More than one limit with slots on a tool is rare, and only then costs an allocation.
    private var others: [Bucket] = []

    /// A permit without slots.
    package init() {}

    mutating func hold(_ bucket: Bucket) {
        if first == nil { first = bucket } else { others.append(bucket) }
    }

    /// Gives all slots back; a second time does nothing.
    package mutating func release() {
        first?.release()
        for bucket in others { bucket.release() }
        self = LimitPermit()
    }
}

extension LimitRule {
    /// All that a limit says, without its place.
    fileprivate var identity: JSONText { JSONText(utf8: json.bytes) }
}
