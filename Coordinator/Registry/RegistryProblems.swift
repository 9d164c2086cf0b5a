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

extension Refused {
    static func importRefused(_ problems: [FieldProblem]) -> Refused {
        Refused(
            "import_refused",
            "Nothing was taken in, as something is wrong with \(problems.count == 1 ? "a document" : "documents").",
            next: "Mend what the problems name, and import it again.",
            members: ["problems": .array(problems.map(\.json))]
        )
    }

    static let proposalsFull = Refused(
        "proposals_full",
        "No more proposals are kept.",
        next: "Take an upstream registry away, or name what is taken of it with `only`: doorward admin servers upstreams"
    )

    /// It repeats nothing: what was asked for may be anything.
    static let unknownProposal = Refused(
        "unknown_proposal",
        "There is no such proposal, or its source has said something else since.",
        next: "See which there are: doorward admin servers proposals"
    )

    static let proposalWithdrawn = Refused(
        "proposal_withdrawn",
        "Its source has withdrawn this version.",
        next: "See what there is: doorward admin servers proposals"
    )

    /// Where a page begins is what the page before has said.
    static let badCursor = Refused(
        "bad_cursor",
        "The cursor is none that a page has ended with.",
        next: "Begin at the first page, without a cursor."
    )
}
