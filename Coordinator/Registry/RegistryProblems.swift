internal import Contract
internal import StrictJSON

extension Problem {
    static func aliasTaken(_ alias: String) -> Problem {
        Problem(
            "alias_taken",
            status: 409,
            title: "There is a server of this alias",
            detail: "The alias \(alias) is another server's.",
            next: "Choose another alias, or remove that server: doorward admin servers remove \(alias)",
            members: ["problems": .array([FieldProblem("alias", "is another server's").json])]
        )
    }

    /// It repeats nothing: what was asked for may be anything.
    static let unknownServer = Problem(
        "unknown_server",
        status: 404,
        title: "There is no such server",
        detail: "No server has this alias.",
        next: "See which there are: doorward admin servers list"
    )

    static let registryFull = Problem(
        "registry_full",
        status: 409,
        title: "The registry is full",
        detail: "All servers together would not fit into the one document that agents read.",
        next: "Remove servers that nobody uses: doorward admin servers list"
    )
}
