/// Who asks, as it was proven.
struct Caller: Sendable {
    /// How it was proven.
    enum Proof: Sendable {
        /// Not at all.
        case none
        /// By the signature of an enrolled machine.
        case machine(agentID: String)
        /// By an API token with these scopes.
        case token(scopes: Set<Scope>)
    }

    let proof: Proof
    /// The person's pseudonym; nil for nobody in particular.
    let sub: String?
    /// What the person may do; nil for nobody in particular, never `agent`.
    let role: Access?

    static let nobody = Caller(proof: .none, sub: nil, role: nil)

    /// Whether he may use an operation.
    func may(_ operation: Operation) -> Bool {
        switch (operation.access, proof) {
        case (.anonymous, _): return true
        case (_, .none): return false
        case (.agent, .machine): return true
        // A machine proves itself: no token stands for one.
        case (.agent, .token): return false
        case (_, .token(let scopes)) where !operation.isOpen(to: scopes): return false
        case (let access, _): return role.map { $0.includes(access) } ?? false
        }
    }
}

extension Access {
    /// Whether a person of this role may do what is open to people of `other`.
    func includes(_ other: Access) -> Bool {
        guard let mine = rank, let needed = other.rank else { return other == .anonymous }
        return mine >= needed
    }

    private var rank: Int? {
        switch self {
        case .anonymous, .agent: nil
        case .member: 0
        case .auditor: 1
        case .editor: 2
        case .admin: 3
        case .owner: 4
        }
    }
}
