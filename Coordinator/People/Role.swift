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
    var lowestRole: Role {
        guard self != .admin else { return .member }
        return Right.allCases.filter { $0.scopes.contains(self) }.map(\.role).min() ?? .owner
    }
}

/// One thing that can be done with the web API.
package enum Right: String, CaseIterable, Sendable {
    case readServers, editServers
    /// How servers describe their tools, and saying that a description may be shown.
    case readTools, approveTools
    case readPolicy, checkPolicy, editPolicy
    /// Who there is: people, roles, machines, invitations.
    case readPeople, invite
    /// Giving people other roles, and removing them.
    case editPeople
    /// One's own tokens; an administrator's rights reach all.
    case readTokens, editTokens
    case makeReports, readMetrics
    /// Taking the key of a person's machine away.
    case revokeMachines
    /// Removing the records of a machine that is shut out.
    case removeRecords

    /// The lowest role that has it.
    package var role: Role {
        switch self {
        case .readServers, .readTools, .readPolicy, .checkPolicy, .readPeople, .readTokens, .editTokens, .makeReports:
            .auditor
        case .editPolicy: .editor
        case .editServers, .approveTools, .invite, .editPeople, .readMetrics, .revokeMachines: .admin
        // An administrator with something to hide could otherwise revoke their own machine and remove its records.
        case .removeRecords: .owner
        }
    }

    /// The scopes of tokens that open it, beside `admin`.
    var scopes: Set<Scope> {
        switch self {
        case .readServers, .readTools, .readPeople, .readTokens: [.read]
        case .readPolicy: [.read, .policy]
        case .checkPolicy, .editPolicy: [.policy]
        case .makeReports: [.audit]
        case .readMetrics: [.read, .metrics]
        case .editServers, .approveTools, .invite, .editPeople, .editTokens, .revokeMachines, .removeRecords: []
        }
    }
}
