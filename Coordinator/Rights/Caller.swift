internal import Contract

/// The proven sender of a request.
package struct Caller: Sendable, Equatable {
    /// How it was proven.
    package enum Proof: Sendable, Equatable {
        /// The signature of the machine with this id.
        case machine(String)
        /// The token with this id, which carries these scopes until this second since 1970.
        case token(id: String, scopes: Set<Scope>, expires: Int)
        /// The cookie of the browser session with this id; recent: the person has signed in a moment ago.
        case session(id: String, isRecent: Bool)
    }

    /// The person's pseudonym.
    package let sub: String
    package let email: String
    package let role: Role
    package let proof: Proof
    /// Whether an administrator has locked the person, or the machine that the proof goes back to: then it opens nothing.
    package let isLocked: Bool

    /// A person who was proven to be there.
    package init(sub: String, email: String, role: Role, proof: Proof, isLocked: Bool) {
        self.sub = sub
        self.email = email
        self.role = role
        self.proof = proof
        self.isLocked = isLocked
    }

    /// Refuses what the person's role, the token's scope or the session's age does not open; throws `Refused`:
    /// `role_needed`, `scope_needed`, `sign_in_again`; and `locked` for a caller that is locked.
    package func require(_ right: Right) throws {
        guard !isLocked else { throw Refused.locked }
        guard role >= right.role else { throw Refused.roleNeeded(right.role, has: role) }
        switch proof {
        case .machine: break
        case .token(_, let scopes, _):
            guard scopes.contains(.admin) || !scopes.isDisjoint(with: right.scopes) else {
                throw Refused.scopeNeeded(right.scopes.union([.admin]))
            }
        case .session(_, let isRecent):
            guard isRecent || !right.needsRecentSignIn else { throw Refused.signInAgain }
        }
    }
}
