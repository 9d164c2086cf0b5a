package import StrictJSON

/// The grant that comes nearest to opening what none opens, and what keeps it from doing so.
package struct MissedGrant: Hashable, Sendable {
    /// What keeps a grant from opening.
    package enum Lack: Hashable, Sendable {
        /// What the conditions on arguments ask for does not hold, or it cannot be told.
        case arguments([JudgedCondition])
        /// The person has the role, but through other clients.
        case client([Pattern])
        /// The person does not have the role.
        case role
        /// The grant is about other tools, prompts or resources of the server.
        case item(PolicyRules.Items)
    }

    /// The grant's place: `roles/dev/grant/0`.
    package let rule: JSONText
    package let role: JSONText
    package let lacks: [Lack]

    /// How far it is from opening: what a person can change most easily counts least.
    fileprivate var distance: Int {
        lacks.reduce(0) { sum, lack in
            switch lack {
            case .arguments: sum + 1
            case .client: sum + 2
            case .role: sum + 3
            case .item: sum + 10
            }
        }
    }
}

extension PolicyRules {
    /// The grant that would open what no grant opens with the least change; nil where none is on that server.
    ///
    /// - Parameters:
    ///   - binding: who asks.
    ///   - client: through which client.
    ///   - server: the alias of the server.
    ///   - ask: what is asked.
    ///   - arguments: of the call.
    /// - Returns: the grant with what it lacks.
    package func missedGrant(
        _ binding: Binding,
        client: JSONText,
        server: JSONText,
        ask: Ask,
        arguments: CallArguments
    ) -> MissedGrant? {
        var nearest: MissedGrant?
        for role in roles {
            let memberships = binding.roles.filter { $0.role == role.name }
            for (index, grant) in role.grants.enumerated() where grant.server.matches(server) {
                var lacks: [MissedGrant.Lack] = []
                if let lack = grant.lack(of: ask, arguments) { lacks.append(lack) }
                if let lack = Self.lack(memberships, client) { lacks.append(lack) }
                guard !lacks.isEmpty else { continue }
                let missed = MissedGrant(
                    rule: JSONText("roles/\(role.name)/grant/\(index)"),
                    role: role.name,
                    lacks: lacks
                )
                if missed.distance < nearest?.distance ?? .max { nearest = missed }
            }
        }
        return nearest
    }

    private static func lack(_ memberships: [Binding.Membership], _ client: JSONText) -> MissedGrant.Lack? {
        if memberships.isEmpty { return .role }
        let isHad = memberships.contains { $0.clients?.contains { $0.matches(client) } ?? true }
        return isHad ? nil : .client(memberships.flatMap { $0.clients ?? [] })
    }
}

extension PolicyRules.Grant {
    /// What of the grant itself does not fit.
    fileprivate func lack(of ask: Ask, _ arguments: CallArguments) -> MissedGrant.Lack? {
        // Decided as in a policy of nothing but this grant, so that nothing here is another reading of the rules.
        let name: JSONText = "it"
        let grant = PolicyRules.Grant(
            server: .everything,
            items: items,
            arguments: self.arguments,
            serverRequests: serverRequests
        )
        let snapshot = PolicySnapshot(
            rules: PolicyRules(roles: [PolicyRules.Role(name: name, grants: [grant])]),
            binding: Binding(sub: name, user: "", groups: [], roles: [Binding.Membership(role: name, rule: name)]),
            version: 0,
            digest: ""
        )
        func decide(_ arguments: CallArguments) -> Decision {
            snapshot.decide(client: name, server: name, ask: ask, arguments: arguments)
        }
        guard decide(.any).isAllowed else { return .item(items) }
        let decision = decide(arguments)
        return decision.isAllowed ? nil : .arguments(decision.judged.filter { $0.truth != .holds })
    }
}
