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

    /// The buckets of a rule that is not in force.
    private struct Former {
        var own = Bucket()
        var byClient: [JSONText: Bucket] = [:]

        var buckets: [Bucket] { [own] + byClient.values }
    }

    private var entries: [Entry] = []
    /// The debts to rules that are gone, by the identity of each rule: leaving and coming back does not fill a bucket.
    private var former: [JSONText: Former] = [:]
    /// The most rules that are gone and not forgotten.
    private static let manyRules = 4096

    /// More clients than an agent can have: when there are so many, those at rest are forgotten.
    private static let manyClients = 4096

    /// A table of these limits, all at rest.
    package init(rules: [LimitRule] = []) {
        replace(rules: rules)
    }

    /// Takes other limits.
    ///
    /// One that stays the same keeps what was used of it, wherever it is now; so does one that was gone meanwhile.
    package func replace(rules: [LimitRule]) {
        var old = former
        for entry in entries { old[entry.identity] = Former(own: entry.own, byClient: entry.byClient) }
        var counts: [JSONText: Int] = [:]
        entries = rules.map { rule in
            var identity = rule.identity
            let count = counts[identity, default: 0]
            counts[identity] = count + 1
            if count > 0 { identity = JSONText(utf8: identity.utf8 + Array("#\(count)".utf8)) }
            let before = old.removeValue(forKey: identity)
            return Entry(
                rule: rule,
                limit: CompiledLimit(rule),
                identity: identity,
                own: before?.own ?? Bucket(),
                byClient: before?.byClient ?? [:]
            )
        }
        former = old.filter { $0.value.buckets.contains { $0.arrival > .min || $0.slotsInUse > 0 } }
        // Those that are owed for the shortest time go first.
        while former.count > Self.manyRules {
            let last = { (former: Former) in former.buckets.map(\.arrival).max() ?? .min }
            guard let shortest = former.min(by: { last($0.value) < last($1.value) }) else { break }
            former[shortest.key] = nil
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

    /// The limit of a place.
    package func rule(named name: JSONText) -> LimitRule? {
        entries.first { $0.rule.name == name }?.rule
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
        former = former.filter { $0.value.buckets.contains { !$0.isAtRest(now: now) } }
        return entries.flatMap { Self.debts($0.identity, $0.own, $0.byClient, now) }
            + former.flatMap { Self.debts($0.key, $0.value.own, $0.value.byClient, now) }
    }

    private static func debts(
        _ rule: JSONText,
        _ own: Bucket,
        _ byClient: [JSONText: Bucket],
        _ now: Int64
    ) -> [LimitDebt] {
        let own = [LimitDebt(rule: rule, client: nil, nanoseconds: own.debt(now: now))]
        let others = byClient.map { LimitDebt(rule: rule, client: $0, nanoseconds: $1.debt(now: now)) }
        return (own + others).filter { $0.nanoseconds > 0 }
    }

    /// Takes over debts of an earlier table; those of rules that are not here wait until these come back.
    ///
    /// - Parameters:
    ///   - debts: what `debts` returned.
    ///   - elapsed: nanoseconds since then, 0 if unknown.
    ///   - now: the time.
    package func restore(_ debts: [LimitDebt], elapsed: Int64 = 0, now: Int64) {
        for debt in debts {
            let rest = debt.nanoseconds - min(max(elapsed, 0), debt.nanoseconds)
            guard rest > 0 else { continue }
            guard let index = entries.firstIndex(where: { $0.identity == debt.rule }) else {
                shelve(debt, rest, now: now)
                continue
            }
            guard (debt.client != nil) == (entries[index].rule.per == .client) else { continue }
            let owed = debt.client.map { bucket(index, client: $0, now: now) } ?? entries[index].own
            owed.restore(debt: rest, entries[index].limit, now: now)
        }
    }

    private func shelve(_ debt: LimitDebt, _ rest: Int64, now: Int64) {
        guard former[debt.rule] != nil || former.count < Self.manyRules else { return }
        var rule = former[debt.rule] ?? Former()
        if let client = debt.client {
            let bucket = rule.byClient[client] ?? Bucket()
            bucket.restore(debt: rest, now: now)
            rule.byClient[client] = bucket
        } else {
            rule.own.restore(debt: rest, now: now)
        }
        former[debt.rule] = rule
    }

    /// Counts a call that passed before this table was there.
    func count(_ call: OwedLimits.Call, recorded: (JSONText) -> JSONText, then: Int64, now: Int64) {
        for index in entries.indices where entries[index].rule.matches(call, recorded: recorded) {
            bucket(index, client: call.client, now: now).count(entries[index].limit, then: then)
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

    /// Whether there is nothing to give back.
    package var isEmpty: Bool { first == nil }

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
