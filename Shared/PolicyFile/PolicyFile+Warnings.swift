internal import Policy
internal import StrictJSON

extension PolicyFile {
    /// The rules of a good file that change nothing: those that can never match, and those that another rule covers.
    ///
    /// They do no harm, so the file can be applied; but their author probably meant something else.
    package var warnings: [PolicyProblem] {
        var checks = RuleChecks(self)
        return checks.warnings()
    }
}

extension PolicyRules.Items {
    /// Whether these items are all among `others`' reach: a rule of `others` is about everything that one of these is.
    fileprivate func areCovered(by others: PolicyRules.Items) -> Bool {
        if others.isEverything { return true }
        if isEverything { return false }
        return Self.covers(others.tools, tools) && Self.covers(others.resources, resources)
            && Self.covers(others.prompts, prompts)
    }

    private static func covers(_ wide: [Pattern]?, _ narrow: [Pattern]?) -> Bool {
        guard let narrow else { return true }
        guard let wide else { return false }
        return narrow.allSatisfy { pattern in wide.contains { $0.covers(pattern) } }
    }
}

extension [ArgumentPredicate] {
    /// Whether whatever meets these conditions meets the others: they are all among these.
    fileprivate func areCovered(by others: [ArgumentPredicate]) -> Bool { others.allSatisfy(contains) }
}

/// Compares the rules of a file with each other.
private struct RuleChecks {
    private let file: PolicyFile
    private var found: [PolicyProblem] = []
    /// What may still be compared: pairs grow with the square of a file, and a file may have many thousand rules.
    private var left = 1_000_000

    init(_ file: PolicyFile) {
        self.file = file
    }

    mutating func warnings() -> [PolicyProblem] {
        if file.mode == .observe {
            warn("mode", "is observe: what no grant opens passes, for everybody on every server, and is only recorded")
        }
        checkRoles()
        checkBinds()
        checkForbids()
        checkRequirements()
        checkLimits()
        return Array(found.prefix(PolicyRefusal.most))
    }

    private mutating func warn(_ place: String, _ why: String) {
        found.append(PolicyProblem(place, why))
    }

    /// The first of `candidates` other than `index` that covers it; of two equal rules the later one is covered.
    private mutating func cover(
        of index: Int,
        among candidates: Range<Int>,
        _ covers: (_ wide: Int, _ narrow: Int) -> Bool
    ) -> Int? {
        for other in candidates where other != index {
            left -= 1
            guard left > 0 else { return nil }
            if covers(other, index), other < index || !covers(index, other) { return other }
        }
        return nil
    }

    // MARK: Roles

    private mutating func checkRoles() {
        let bound = Set(file.binds.map(\.role))
        for role in file.roles {
            let place = "roles/\(role.name)"
            if !bound.contains(role.name) { warn(place, "is bound to nobody, so its grants never apply") }
            if role.grants.isEmpty { warn(place, "grants nothing") }
            for index in role.grants.indices { check(role.grants, index, "\(place)/grant") }
        }
    }

    private mutating func check(_ grants: [PolicyRules.Grant], _ index: Int, _ place: String) {
        let grant = grants[index]
        for (number, pattern) in (grant.items.resources ?? []).enumerated() where !pattern.canOpenResource {
            warn(
                "\(place)/\(index)/resources/\(number)",
                "can never match: a URI with a dot segment, an empty segment or a backslash is opened by * alone"
            )
        }
        let other = cover(of: index, among: grants.indices) { wide, narrow in
            grants[wide].server.covers(grants[narrow].server)
                && grants[narrow].items.areCovered(by: grants[wide].items)
                && grants[narrow].arguments.areCovered(by: grants[wide].arguments)
                && grants[narrow].serverRequests.isSubset(of: grants[wide].serverRequests)
        }
        if let other { warn("\(place)/\(index)", "opens nothing that \(place)/\(other) does not open") }
        for (number, forbid) in file.forbids.enumerated() where forbid.isForEverybody {
            left -= 1
            guard left > 0 else { return }
            let scope = forbid.scope
            guard scope.server?.covers(grant.server) ?? true, grant.items.areCovered(by: scope.items) else {
                continue
            }
            warn("\(place)/\(index)", "opens nothing: forbid/\(number) closes all that it names")
            return
        }
    }

    // MARK: Binds

    private mutating func checkBinds() {
        let binds = file.binds
        for index in binds.indices {
            let other = cover(of: index, among: binds.indices) { wide, narrow in
                binds[wide].role == binds[narrow].role && Self.covers(binds[wide].who, binds[narrow].who)
                    && Self.covers(binds[wide].clients, binds[narrow].clients)
            }
            if let other { warn("bind/\(index)", "gives nobody anything that bind/\(other) does not give") }
        }
    }

    private static func covers(_ wide: PolicyBind.Who, _ narrow: PolicyBind.Who) -> Bool {
        switch (wide, narrow) {
        case (.everyone, _): true
        case (.user(let wide), .user(let narrow)): wide == narrow
        case (.group(let wide), .group(let narrow)): wide.covers(narrow)
        default: false
        }
    }

    fileprivate static func covers(_ wide: [Pattern]?, _ narrow: [Pattern]?) -> Bool {
        guard let wide else { return true }
        guard let narrow else { return false }
        return narrow.allSatisfy { pattern in wide.contains { $0.covers(pattern) } }
    }

    // MARK: Forbids

    private mutating func checkForbids() {
        let forbids = file.forbids
        for index in forbids.indices {
            let other = cover(of: index, among: forbids.indices) { forbids[$0].covers(forbids[$1]) }
            if let other { warn("forbid/\(index)", "closes nothing that forbid/\(other) does not close") }
            warnOfSpellings(index)
        }
    }

    private mutating func checkRequirements() {
        let rules = file.requirements
        for index in rules.indices {
            let other = cover(of: index, among: rules.indices) {
                rules[$0].scope.covers(rules[$1].scope) && rules[$0].obligations.covers(rules[$1].obligations)
            }
            if let other { warn("require/\(index)", "demands nothing that require/\(other) does not demand") }
            let places = rules.indices.filter { rules[$0].scope.covers(rules[index].scope) }
            let union = places.reduce(into: Obligations.none) { $0.formUnion(rules[$1].obligations) }
            if union.keyProtection?.isEmpty == true {
                warn("require/\(index)", "can never be met together with another rule: no key is kept in two places")
            }
        }
    }

    /// A server may know a resource by several spellings, and a rule that forbids one leaves the others to the grant.
    private mutating func warnOfSpellings(_ index: Int) {
        let forbid = file.forbids[index]
        for (number, pattern) in (forbid.scope.items.resources ?? []).enumerated() where !pattern.stem.isEmpty {
            for role in file.roles {
                for (place, grant) in role.grants.enumerated() {
                    left -= 1
                    guard left > 0 else { return }
                    guard forbid.scope.server?.overlaps(grant.server) ?? true, opensMore(grant.items, than: pattern)
                    else {
                        continue
                    }
                    warn(
                        "forbid/\(index)/resources/\(number)",
                        "names a part of what roles/\(role.name)/grant/\(place) opens; a server may take other "
                            + "spellings (upper case, percent-encoding) for the same resource, so rather grant less"
                    )
                    return
                }
            }
        }
    }

    private func opensMore(_ items: PolicyRules.Items, than pattern: Pattern) -> Bool {
        if items.isEverything { return true }
        return items.resources?.contains { $0.covers(pattern) && $0 != pattern } ?? false
    }

    // MARK: Limits

    private mutating func checkLimits() {
        let granted = file.roles.flatMap(\.grants)
        for (index, limit) in file.limits.enumerated() {
            var counts = false
            for grant in granted where !counts {
                left -= 1
                guard left > 0 else { return }
                counts = (limit.server?.overlaps(grant.server) ?? true) && Self.share(limit.tools, grant.items)
            }
            if !counts { warn("limits/\(index)", "can never match: no grant opens a tool that it counts") }
        }
    }

    private static func share(_ tools: [Pattern]?, _ items: PolicyRules.Items) -> Bool {
        if items.isEverything { return true }
        guard let granted = items.tools else { return false }
        return tools?.contains { tool in granted.contains { $0.overlaps(tool) } } ?? true
    }
}

extension PolicyRules.Forbid {
    /// Whether it is about every person, group and client, and about every call.
    fileprivate var isForEverybody: Bool {
        scope.person == nil && scope.group == nil && scope.clients == nil && scope.unlessRole == nil
            && scope.annotation == nil && scope.arguments.isEmpty
    }

    /// Whether it closes everything that the other closes.
    fileprivate func covers(_ other: PolicyRules.Forbid) -> Bool { scope.covers(other.scope) }
}

extension RuleScope {
    /// Whether the rule is about everything that the other is about.
    fileprivate func covers(_ other: RuleScope) -> Bool {
        (person == nil || person == other.person)
            && Self.covers(group, other.group) && RuleChecks.covers(clients, other.clients)
            && Self.covers(server, other.server) && other.items.areCovered(by: items)
            && (annotation == nil || annotation == other.annotation)
            && (unlessRole == nil || unlessRole == other.unlessRole)
            && other.arguments.areCovered(by: arguments)
    }

    private static func covers(_ wide: Pattern?, _ narrow: Pattern?) -> Bool {
        guard let wide else { return true }
        return narrow.map(wide.covers) ?? false
    }
}
