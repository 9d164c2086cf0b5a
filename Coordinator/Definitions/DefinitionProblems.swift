package import Contract
internal import StrictJSON

extension Refused {
    static let toolsFull = Refused(
        "tools_full",
        "What servers show of their tools would not fit into what is kept and told to machines.",
        next: "See which there are: doorward admin tools list"
    )

    /// It repeats nothing: what was asked for may be anything.
    static let unknownTool = Refused(
        "unknown_tool",
        "No server of this alias has shown a tool of this name to any machine.",
        next:
            "See which there are: doorward admin tools list. A server's tools are known once a client has listed them."
    )

    static let nothingWaits = Refused(
        "nothing_waits",
        "No definition of this server waits for approval.",
        next: "See what there is: doorward admin tools list"
    )

    static let listingChanged = Refused(
        "listing_changed",
        "Something else waits now than when the listing was made.",
        next: "Look at it again: doorward admin tools list SERVER"
    )

    /// The entry by which a machine asked is not the one that is registered.
    package static let otherEntry = Refused(
        "other_entry",
        "The registry has another entry under this alias than the one that the machine has asked.",
        next: "Wait until the machine has heard of it."
    )

    static func severalDefinitions(_ digests: [String]) -> Refused {
        Refused(
            "several_definitions",
            "Machines were shown \(digests.count) different definitions of this tool, none of which is approved.",
            next: "Look at each of them with `doorward admin tools list`, and say which: --definition HASH",
            members: ["definitions": .array(digests.map { .text($0) })]
        )
    }
}
