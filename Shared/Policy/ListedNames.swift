package import MCP
package import StrictJSON

extension PolicySnapshot {
    /// The lists of a server of which another policy may show a client other entries than this one.
    ///
    /// - Parameters:
    ///   - other: the policy that was in force before.
    ///   - client: the name of the client.
    ///   - server: the alias of the server.
    /// - Returns: the kinds whose rules for this client and server have another meaning; none for other words for the same.
    package func listsChanged(since other: PolicySnapshot, client: JSONText, server: JSONText) -> ListKinds {
        var kinds: ListKinds = []
        let items: [(ListKinds, KeyPath<RuleTable.Items, Range<Int>?>)] = [
            (.tools, \.tools), (.prompts, \.prompts), (.resources, \.resources),
        ]
        for (kind, member) in items {
            let now = listed(client: client, server: server, member)
            if now != other.listed(client: client, server: server, member) { kinds.insert(kind) }
        }
        return kinds
    }

    private func listed(
        client: JSONText,
        server: JSONText,
        _ member: KeyPath<RuleTable.Items, Range<Int>?>
    ) -> ListedNames {
        guard !isClosed else { return ListedNames(open: [], closed: []) }
        return table.scan(client: client, server: server, arguments: .any) { $0.listed(member) }
    }
}

/// Which names of one kind a client sees at a server, in a form that is the same for all rules of the same meaning.
struct ListedNames: Equatable {
    /// What is opened; sorted, and none covers another.
    let open: [Pattern]
    /// What is closed of that, in the same form.
    let closed: [Pattern]
    /// What is closed where a definition says so, in the same form, by what it has to say.
    private(set) var hinted: [UInt8: [Pattern]] = [:]

    init(open: [Pattern], closed: [Pattern], hinted: [UInt8: [Pattern]]) {
        self.init(open: open, closed: closed)
        self.hinted = hinted.mapValues(Self.reduced)
    }

    init(open: [Pattern], closed: [Pattern]) {
        let closed = Self.reduced(closed)
        let open = Self.reduced(open).filter { !Self.covers(closed, $0) }
        self.open = open
        self.closed = closed.filter { Self.covers(open, $0) }
    }

    /// The same names in the fewest patterns.
    private static func reduced(_ patterns: [Pattern]) -> [Pattern] {
        var kept: [Pattern] = []
        for pattern in patterns.sorted(by: isBefore) {
            // In this order whatever one pattern covers comes right behind it.
            if let last = kept.last, last.covers(pattern) { continue }
            kept.append(pattern)
        }
        return kept
    }

    /// By their stems; of two with the same stem the one that covers the other comes first.
    private static func isBefore(_ left: Pattern, _ right: Pattern) -> Bool {
        if left.stem == right.stem { return left.isPrefix && !right.isPrefix }
        return left.stem.lexicographicallyPrecedes(right.stem)
    }

    /// Whether one of the patterns, which are reduced, covers another: only the last one before it can.
    private static func covers(_ patterns: [Pattern], _ other: Pattern) -> Bool {
        var (low, high) = (0, patterns.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(other, patterns[middle]) { high = middle } else { low = middle + 1 }
        }
        return low > 0 && patterns[low - 1].covers(other)
    }
}

extension RuleTable.Scan {
    /// What the rules for this client and server say of one kind.
    fileprivate func listed(_ member: KeyPath<RuleTable.Items, Range<Int>?>) -> ListedNames {
        let closing = table.forbids.filter { concerns($0) && $0.conditions.isEmpty }
        var hinted: [UInt8: [Pattern]] = [:]
        for scope in closing where member == \.tools {
            guard let annotation = scope.annotation else { continue }
            hinted[annotation.rawValue, default: []] += patterns(of: scope.items, member)
        }
        return ListedNames(
            open: table.isOpen
                ? [.everything] : table.grants.filter(concerns).flatMap { patterns(of: $0.items, member) },
            // What is forbidden with some arguments is listed, as it may be called with others.
            closed: closing.filter { $0.annotation == nil }.flatMap { patterns(of: $0.items, member) },
            hinted: hinted
        )
    }

    private func patterns(
        of items: RuleTable.Items,
        _ member: KeyPath<RuleTable.Items, Range<Int>?>
    ) -> [Pattern] {
        if items.isEverything { return [.everything] }
        guard let range = items[keyPath: member] else { return [] }
        return range.map { table.patterns[$0].pattern(pool: pool) }
    }
}
