internal import Contract
internal import StrictJSON

extension Problem {
    static let unknownLog = Problem(
        "unknown_agent",
        status: 404,
        title: "There is no such machine",
        detail: "No machine with this id was ever enrolled.",
        next: "See which there are: doorward admin agents list"
    )

    static let nothingStored = Problem(
        "nothing_stored",
        status: 409,
        title: "There is nothing to remove",
        detail: "This machine has never uploaded a record."
    )

    /// Records are removed only of a machine that cannot add to them.
    static func logInUse(_ agent: String) -> Problem {
        Problem(
            "log_in_use",
            status: 409,
            title: "The machine still writes this log",
            detail: "Records are removed only of a machine whose key is revoked or whose log has forked.",
            next: "Take its key away first: doorward admin agents revoke \(agent)"
        )
    }

    /// The records that were asked for are not here any more.
    static func recordsRemoved(below: Int) -> Problem {
        Problem(
            "records_removed",
            status: 410,
            title: "These records were removed",
            detail: "The records of this machine below number \(below) were removed from the coordinator.",
            members: ["below": .int(below)]
        )
    }
}
