/// What is asked of the catalog, as the official Registry API has it.
package struct CatalogQuery: Sendable {
    /// Which versions of each server.
    package enum Version: Sendable, Equatable {
        case all, latest
        case exactly(String)
    }

    /// What is in a name, a title, a description or a category.
    package var search: String?
    /// Only what has changed since, in seconds since 1970; deleted ones too.
    package var updatedSince: Int?
    package var version = Version.all
    package var includesDeleted = false

    package init() {}
}

/// Whose servers are shown.
package enum CatalogView: Sendable, Equatable {
    /// All of them, with where each of them really is: for those who may read the registry.
    case registry
    /// Those of these aliases.
    case aliases(Set<String>)
}
