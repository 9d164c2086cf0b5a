internal import Contract
internal import StrictJSON

extension Refused {
    static func aliasTaken(_ alias: String) -> Refused {
        Refused(
            "alias_taken",
            "The alias \(alias) is another server's.",
            next: "Choose another alias, or remove that server: doorward admin servers remove \(alias)",
            members: ["problems": .array([FieldProblem("alias", "is another server's").json])]
        )
    }

    /// It repeats nothing: what was asked for may be anything.
    static let unknownServer = Refused(
        "unknown_server",
        "No server has this alias.",
        next: "See which there are: doorward admin servers list"
    )

    static let registryFull = Refused(
        "registry_full",
        "All servers together would not fit into the one document that agents read.",
        next: "Remove servers that nobody uses: doorward admin servers list"
    )
}
