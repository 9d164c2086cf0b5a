/// One thing that can be done with the web API.
package enum Right: String, CaseIterable, Sendable {
    case readServers, editServers
    /// The catalog of the servers that one may use.
    case readCatalog
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
    /// What was recorded, by whomever, and how calls went on the whole.
    case readRecords
    /// Taking the key of a person's machine away.
    case revokeMachines
    /// Removing the records of a machine that is shut out.
    case removeRecords

    /// The lowest role that has it.
    package var role: Role {
        switch self {
        case .readCatalog: .member
        case .readServers, .readTools, .readPolicy, .checkPolicy, .readPeople, .readTokens, .editTokens, .makeReports,
            .readRecords:
            .auditor
        case .editPolicy: .editor
        case .editServers, .approveTools, .invite, .editPeople, .readMetrics, .revokeMachines: .admin
        // An administrator with something to hide could otherwise revoke their own machine and remove its records.
        case .removeRecords: .owner
        }
    }

    /// Whether a browser may use it only shortly after its person has signed in: what outlasts the session, or decides
    /// for everybody.
    ///
    /// A browser that was left open, or a cookie that was copied, is not enough for it.
    package var needsRecentSignIn: Bool {
        switch self {
        case .editServers, .editPolicy, .invite, .editPeople, .editTokens, .removeRecords: true
        case .readServers, .readCatalog, .readTools, .approveTools, .readPolicy, .checkPolicy, .readPeople, .readTokens,
            .makeReports, .readMetrics, .readRecords, .revokeMachines:
            false
        }
    }

    /// The scopes of tokens that open it, beside `admin`.
    package var scopes: Set<Scope> {
        switch self {
        case .readServers, .readCatalog, .readTools, .readPeople, .readTokens: [.read]
        case .readPolicy: [.read, .policy]
        case .checkPolicy, .editPolicy: [.policy]
        case .makeReports, .readRecords: [.audit]
        case .readMetrics: [.read, .metrics]
        case .editServers, .approveTools, .invite, .editPeople, .editTokens, .revokeMachines, .removeRecords: []
        }
    }
}

/// A right as a type: by it the compiler tells a permit from another.
package protocol RightKind: Sendable {
    /// The right that it stands for.
    static var right: Right { get }
}

extension Right {
    /// `readServers` as a type.
    package enum ReadServers: RightKind { package static let right = Right.readServers }
    /// `readCatalog` as a type.
    package enum ReadCatalog: RightKind { package static let right = Right.readCatalog }
    /// `editServers` as a type.
    package enum EditServers: RightKind { package static let right = Right.editServers }
    /// `readTools` as a type.
    package enum ReadTools: RightKind { package static let right = Right.readTools }
    /// `approveTools` as a type.
    package enum ApproveTools: RightKind { package static let right = Right.approveTools }
    /// `readPolicy` as a type.
    package enum ReadPolicy: RightKind { package static let right = Right.readPolicy }
    /// `checkPolicy` as a type.
    package enum CheckPolicy: RightKind { package static let right = Right.checkPolicy }
    /// `editPolicy` as a type.
    package enum EditPolicy: RightKind { package static let right = Right.editPolicy }
    /// `readPeople` as a type.
    package enum ReadPeople: RightKind { package static let right = Right.readPeople }
    /// `invite` as a type.
    package enum Invite: RightKind { package static let right = Right.invite }
    /// `editPeople` as a type.
    package enum EditPeople: RightKind { package static let right = Right.editPeople }
    /// `readTokens` as a type.
    package enum ReadTokens: RightKind { package static let right = Right.readTokens }
    /// `editTokens` as a type.
    package enum EditTokens: RightKind { package static let right = Right.editTokens }
    /// `makeReports` as a type.
    package enum MakeReports: RightKind { package static let right = Right.makeReports }
    /// `readRecords` as a type.
    package enum ReadRecords: RightKind { package static let right = Right.readRecords }
    /// `readMetrics` as a type.
    package enum ReadMetrics: RightKind { package static let right = Right.readMetrics }
    /// `revokeMachines` as a type.
    package enum RevokeMachines: RightKind { package static let right = Right.revokeMachines }
    /// `removeRecords` as a type.
    package enum RemoveRecords: RightKind { package static let right = Right.removeRecords }
}
