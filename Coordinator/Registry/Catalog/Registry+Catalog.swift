package import Database
internal import ServiceKit
internal import StrictJSON

extension Registry {
    /// Every alias that the catalog may show, also of servers that are gone.
    package func knownAliases(in view: some SQLReading) throws -> [String] {
        try view.rows("SELECT DISTINCT alias FROM server_version").map { try $0.text("alias") }
    }

    private static let catalog = Listing(
        ServerVersion.select,
        by: [.init("server_version.listed", "listed"), .init("server_version.id", "id")]
    )

    /// One page of the catalog, by name.
    ///
    /// - Parameters:
    ///   - query: what is asked for.
    ///   - shown: whose servers are shown.
    ///   - page: which part.
    ///   - view: as the database has it.
    /// - Returns: the versions, and where the next page begins.
    /// - Throws: what the database throws.
    package func catalog(
        _ query: CatalogQuery,
        of shown: CatalogView,
        page: PageRequest,
        in view: some SQLReading
    ) throws -> Page<ServerVersion> {
        var conditions = Self.conditions(shown)
        if let search = query.search { conditions.append(.init("instr(words, ?)", .text(search.lowercased()))) }
        if let time = query.updatedSince { conditions.append(.init("updated_at >= ?", .integer(time))) }
        switch query.version {
        case .all: break
        case .latest: conditions.append(.init("is_latest = 1"))
        case .exactly(let version): conditions.append(.init("version = ?", .text(version)))
        }
        if !query.includesDeleted, query.updatedSince == nil { conditions.append(.init("status <> 'deleted'")) }
        return try Self.catalog.page(page, where: conditions, in: view) { try ServerVersion($0) }
    }

    /// The versions of the server that is listed under a name, the newest first; none where it is not shown.
    package func catalogVersions(
        of name: String,
        includesDeleted: Bool,
        of shown: CatalogView,
        in view: some SQLReading
    ) throws -> [ServerVersion] {
        let all = try view.rows(
            "\(ServerVersion.select) WHERE listed = ? ORDER BY is_latest DESC, updated_at DESC, server_version.id DESC",
            [.text(name)]
        ).map { try ServerVersion($0) }
        return all.filter { version in
            // Names are compared as bytes; the column alone keeps two from differing by case.
            guard version.listed.utf8.elementsEqual(name.utf8), includesDeleted || version.status != .deleted else {
                return false
            }
            switch shown {
            case .registry: return true
            case .aliases(let aliases): return aliases.contains(version.alias)
            }
        }
    }

    private static func conditions(_ shown: CatalogView) -> [Listing.Condition] {
        guard case .aliases(let aliases) = shown else { return [] }
        let list = JSONValue.array(aliases.sorted().map { .text($0) }).json
        return [.init("server_version.alias IN (SELECT value FROM json_each(?))", .text(list))]
    }
}
