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

    static let unknownServerVersion = Refused(
        "unknown_server_version",
        "This server was never in use in such a version.",
        next: "See which there were: doorward admin servers versions NAME"
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
        next:
            "Take an upstream registry away, or name what is taken of it with `only`: doorward admin servers upstreams"
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

    /// It repeats nothing: what was asked for may be anything.
    static let unknownUpstream = Refused(
        "unknown_upstream",
        "There is no upstream registry of this name.",
        next: "See which there are: doorward admin servers upstreams"
    )

    static func upstreamFailed(_ origin: String, _ why: String, next: String?) -> Refused {
        Refused("upstream_failed", "Nothing was taken in from \(origin). \(why)", next: next)
    }
}
