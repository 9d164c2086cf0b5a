internal import Policy

/// Finds the rules that may give a person a role, without going through those about others.
struct BindIndex: Sendable {
    /// The places of rules about one person.
    private(set) var byUser: [EmailAddress: [Int]] = [:]
    /// The places of rules about groups and about everybody.
    private(set) var others: [Int] = []

    init(_ binds: [PolicyBind]) {
        for (index, bind) in binds.enumerated() {
            if case .user(let email) = bind.who {
                byUser[email, default: []].append(index)
            } else {
                others.append(index)
            }
        }
    }

    /// The places of all rules that may be about a person, in their order.
    func candidates(_ email: EmailAddress) -> [Int] {
        guard let own = byUser[email] else { return others }
        return others.isEmpty ? own : (own + others).sorted()
    }
}
