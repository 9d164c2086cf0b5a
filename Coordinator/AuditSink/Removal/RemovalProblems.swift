internal import Contract
internal import StrictJSON

extension Refused {
    static let unknownLog = Refused(
        "unknown_agent",
        "No machine with this id was ever enrolled.",
        next: "See which there are: doorward admin agents list"
    )

    static let nothingStored = Refused(
        "nothing_stored",
        "This machine has never uploaded a record."
    )

    /// Records are removed only of a machine that cannot add to them.
    static func logInUse(_ agent: String) -> Refused {
        Refused(
            "log_in_use",
            "Records are removed only of a machine whose key is revoked or whose log has forked.",
            next: "Take its key away first: doorward admin agents revoke \(agent)"
        )
    }

    /// The records that were asked for are not here any more.
    static func recordsRemoved(below: Int) -> Refused {
        Refused(
            "records_removed",
            "The records of this machine below number \(below) were removed from the coordinator.",
            members: ["below": .int(below)]
        )
    }
}
