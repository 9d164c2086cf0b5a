internal import Contract

/// The proven sender of a request.
package struct Caller: Sendable, Equatable {
    /// How it was proven.
    package enum Proof: Sendable, Equatable {
        /// The signature of the machine with this id.
        case machine(String)
        /// The token with this id, which carries these scopes until this second since 1970.
        case token(id: String, scopes: Set<Scope>, expires: Int)
    }

    /// The person's pseudonym.
    package let sub: String
    package let email: String
    package let role: Role
    package let proof: Proof

    /// A person who was proven to be there.
    package init(sub: String, email: String, role: Role, proof: Proof) {
        self.sub = sub
        self.email = email
        self.role = role
        self.proof = proof
    }

    /// Refuses what the person's role or the token's scope does not open; throws `Refused`: `role_needed`, `scope_needed`.
    package func require(_ right: Right) throws {
        guard role >= right.role else { throw Refused.roleNeeded(right.role, has: role) }
        guard case .token(_, let scopes, _) = proof else { return }
        guard scopes.contains(.admin) || !scopes.isDisjoint(with: right.scopes) else {
            throw Refused.scopeNeeded(right.scopes.union([.admin]))
        }
    }
}
