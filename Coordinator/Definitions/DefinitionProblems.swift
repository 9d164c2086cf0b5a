package import Contract
internal import StrictJSON

extension Problem {
    static let toolsFull = Problem(
        "tools_full",
        status: 409,
        title: "There are too many definitions of tools",
        detail: "What servers show of their tools would not fit into what is kept and told to machines.",
        next: "See which there are: doorward admin tools list"
    )

    /// It repeats nothing: what was asked for may be anything.
    static let unknownTool = Problem(
        "unknown_tool",
        status: 404,
        title: "No machine was shown this tool",
        detail: "No server of this alias has shown a tool of this name to any machine.",
        next:
            "See which there are: doorward admin tools list. A server's tools are known once a client has listed them."
    )

    /// The entry by which a machine asked is not the one that is registered.
    package static let otherEntry = Problem(
        "other_entry",
        status: 409,
        title: "The server is another one now",
        detail: "The registry has another entry under this alias than the one that the machine has asked.",
        next: "Wait until the machine has heard of it."
    )

    static func severalDefinitions(_ digests: [String]) -> Problem {
        Problem(
            "several_definitions",
            status: 409,
            title: "Several definitions wait",
            detail:
                "Machines were shown \(digests.count) different definitions of this tool, none of which is approved.",
            next: "Look at each of them with `doorward admin tools list`, and say which: --definition HASH",
            members: ["definitions": .array(digests.map { .text($0) })]
        )
    }
}
