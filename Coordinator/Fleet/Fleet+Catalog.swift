internal import Contract
package import Database
internal import People
internal import Policy
internal import PolicyFile
internal import PolicyStore
package import Registry
package import Rights
internal import StrictJSON

extension Fleet {
    /// Whose servers a caller is shown: all of them for whoever may read the registry, for others those on which the
    /// person has a grant.
    ///
    /// - Parameters:
    ///   - permit: who looks; nil: anybody, who has what everybody has.
    ///   - view: as the database has it.
    /// - Returns: what is shown.
    /// - Throws: what the database throws.
    package func catalogView(for permit: Permit<Right.ReadCatalog>?, in view: SQLSnapshot) throws -> CatalogView {
        if let permit, (try? permit.caller.require(.readServers)) != nil { return .registry }
        let policy = try desk.current(in: view)
        let snapshot: PolicySnapshot
        if let permit {
            guard let person = try people.person(sub: permit.sub, in: view) else { return .aliases([]) }
            let binding = try binding(of: person, policy, in: view)
            snapshot = PolicySnapshot(
                rules: policy.rules,
                binding: binding,
                version: policy.version,
                digest: policy.digest
            )
        } else {
            let roles = EmailAddress(Self.nobody).map { policy.file.memberships(of: $0, groups: []) } ?? []
            let binding = Binding(sub: "", user: Self.nobody, groups: [], roles: roles)
            // A policy that only observes opens everything to people, and nothing to strangers.
            let rules = policy.rules.enforced
            snapshot = PolicySnapshot(rules: rules, binding: binding, version: policy.version, digest: policy.digest)
        }
        let aliases = try registry.knownAliases(in: view)
        return .aliases(Set(aliases.filter { snapshot.knows(server: JSONText($0)) }))
    }

    /// An address that nobody has (RFC 2606), so that only what is everybody's matches it.
    private static let nobody = "nobody@doorward.invalid"

    /// One page of the catalog, for the official Registry API.
    package func catalog(
        _ query: CatalogQuery,
        page: PageRequest,
        for permit: Permit<Right.ReadCatalog>?
    ) async throws -> Page<PublishedServer> {
        try await database.read { view in
            let shown = try catalogView(for: permit, in: view)
            let agent = try RegistrySettings.stored(in: view).agentURL
            let page = try registry.catalog(query, of: shown, page: page, in: view)
            return Page(page.items.map { PublishedServer($0, agent: agent, for: shown) }, next: page.next)
        }
    }

    /// The versions of one server, the newest first.
    ///
    /// - Parameters:
    ///   - name: the name that the catalog has it under.
    ///   - version: this one alone, or `latest`; nil: all of them.
    ///   - includesDeleted: whether those that are gone are shown.
    ///   - permit: who looks; nil: anybody.
    /// - Returns: the versions.
    /// - Throws: `Refused`, `unknown_server`, also for a server that the caller may not know of.
    package func catalog(
        name: String,
        version: String? = nil,
        includesDeleted: Bool,
        for permit: Permit<Right.ReadCatalog>?
    ) async throws -> [PublishedServer] {
        let found = try await database.read { view in
            let shown = try catalogView(for: permit, in: view)
            let agent = try RegistrySettings.stored(in: view).agentURL
            let all = try registry.catalogVersions(of: name, includesDeleted: includesDeleted, of: shown, in: view)
            let wanted = all.filter { each in
                guard let version else { return true }
                return version == "latest" ? each.isLatest : each.version.utf8.elementsEqual(version.utf8)
            }
            return wanted.map { PublishedServer($0, agent: agent, for: shown) }
        }
        guard !found.isEmpty else { throw Refused.notInCatalog }
        return found
    }
}

extension Refused {
    /// Nothing tells a server that is not there from one that is not this caller's.
    static let notInCatalog = Refused(
        "not_in_catalog",
        "There is no such server, or no such version, for you.",
        next: "See which there are: GET /v0.1/servers"
    )
}
