/// What a person may do at the coordinator; each role may do what the ones below it may.
package enum Role: String, CaseIterable, Comparable, Sendable {
    case member, auditor, editor, admin, owner

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .member: 0
        case .auditor: 1
        case .editor: 2
        case .admin: 3
        case .owner: 4
        }
    }
}

/// What of its maker's rights a token carries.
package enum Scope: String, CaseIterable, Sendable {
    /// All of them.
    case admin
    /// Looking, and nothing else.
    case read
    case policy, audit, metrics

    /// The lowest role to which it opens anything: below it a token of this scope would be good for nothing.
    package var lowestRole: Role {
        guard self != .admin else { return .member }
        return Right.allCases.filter { $0.scopes.contains(self) }.map(\.role).min() ?? .owner
    }

    /// The scopes of a token as the database has them: their words, with blanks between.
    package static func set(_ text: String) -> Set<Scope> {
        Set(text.split(separator: " ").compactMap { Scope(rawValue: String($0)) })
    }

    /// The same, written.
    package static func text(_ scopes: Set<Scope>) -> String {
        allCases.filter(scopes.contains).map(\.rawValue).joined(separator: " ")
    }
}
