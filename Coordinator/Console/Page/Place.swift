internal import Rights

/// A place in the navigation.
enum Place: CaseIterable {
    case overview
    case servers, tools, policy
    case people, agents, tokens
    case audit, reports, changes
    case settings

    /// The places that the caller may look at, in groups.
    static func groups(for visit: Visit, current: Place?) -> [NavGroup] {
        let groups: [(String?, [Place])] = [
            (nil, [.overview]), ("What may happen", [.servers, .tools, .policy]),
            ("Who", [.people, .agents, .tokens]), ("What happened", [.audit, .reports, .changes]), (nil, [.settings]),
        ]
        return groups.compactMap { heading, places in
            let items = places.filter { visit.may($0.right) }.map { $0.item(isCurrent: $0 == current) }
            return items.isEmpty ? nil : NavGroup(heading: heading, items: items)
        }
    }

    private func item(isCurrent: Bool) -> NavItem {
        NavItem(name: name, href: path, icon: "icon-\(self)", isCurrent: isCurrent)
    }

    var path: String { self == .overview ? "/" : "/\(self)" }

    var name: String {
        switch self {
        case .overview: "Overview"
        case .servers: "Servers"
        case .tools: "Tool definitions"
        case .policy: "Policy"
        case .people: "People and roles"
        case .agents: "Machines"
        case .tokens: "Tokens"
        case .audit: "Audit"
        case .reports: "Reports"
        case .changes: "Changes"
        case .settings: "Settings"
        }
    }

    private var right: Right {
        switch self {
        case .overview, .audit: .readRecords
        case .servers: .readServers
        case .tools: .readTools
        case .policy: .readPolicy
        case .people, .agents: .readPeople
        case .tokens: .readTokens
        case .reports: .makeReports
        case .changes: .readRecords
        case .settings: .readPeople
        }
    }
}
