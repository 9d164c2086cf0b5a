internal import Contract

/// A caller who was found to have a right: what needs the right takes this in the caller's place.
///
/// `Caller.permit` alone makes one, so a right is asked once, and the compiler sees that it was. Between that and a change
/// the right may be lost: a change asks `OrgLog.standing` in its transaction.
package struct Permit<Kind: RightKind>: Sendable, Equatable {
    package let caller: Caller

    fileprivate init(_ caller: Caller) { self.caller = caller }

    /// The caller's pseudonym.
    package var sub: String { caller.sub }
    package var role: Role { caller.role }
}

/// A caller that is an enrolled machine, and speaks for itself.
///
/// `Caller.machine` alone makes one: a token is not a machine, since only a machine has a log and a policy.
package struct CallingMachine: Sendable, Equatable {
    package let caller: Caller
    /// The machine's id.
    package let id: String

    fileprivate init(_ caller: Caller, id: String) {
        self.caller = caller
        self.id = id
    }

    /// The pseudonym of its person.
    package var sub: String { caller.sub }
}

extension Caller {
    /// The caller with a right that it has; throws `Refused`: `role_needed`, `scope_needed`.
    package func permit<Kind: RightKind>(_ kind: Kind.Type = Kind.self) throws -> Permit<Kind> {
        try require(Kind.right)
        return Permit(self)
    }

    /// The machine that signed; throws a `Refused`, `machine_needed`, for anything else.
    package func machine() throws -> CallingMachine {
        guard case .machine(let id) = proof else { throw Refused.machineNeeded }
        return CallingMachine(self, id: id)
    }
}
