import ArgumentParser
internal import StrictJSON

/// The one option of commands that take away what can have let machines in.
struct EnrolledOptions: ParsableArguments {
    @Flag(
        name: .customLong("and-enrolled"),
        help: "Also take the keys of the machines that came in with an invitation of it, but for this one."
    )
    var andEnrolled = false

    /// The query of the request, with its question mark.
    var query: String { andEnrolled ? "?enrolled=revoke" : "" }
}

/// What an answer names as taken away beside the thing that was asked for, and the machines that came of it and are
/// still there.
struct TakenAway {
    /// Lines for a terminal.
    let words: [String]

    init(_ answer: JSONValue) {
        var words: [String] = []
        let ended = answer["ended"]
        for (member, what) in [
            ("agents", "the keys of machines"), ("tokens", "tokens"), ("invitations", "invitations"),
        ] as [(JSONText, String)] {
            let names = (ended?[member]?.array ?? []).compactMap(\.text)
            if !names.isEmpty { words.append("Taken away: \(what) \(names.joined(separator: ", "))") }
        }
        let enrolled = answer["enrolled"]?.array ?? []
        if !enrolled.isEmpty {
            words.append(
                "These machines came in with its invitations, and their keys are good. If you do not know one:"
            )
            for machine in enrolled {
                words.append(
                    "  doorward admin agents revoke \(machine["agent_id"]?.text ?? "")  "
                        + "# \(machine["user"]?.text ?? ""), since \(machine["enrolled"]?.text ?? "")"
                )
            }
        }
        let raised = answer["raised"]?.array ?? []
        if !raised.isEmpty {
            words.append("These people have their role from it. If one should not have it:")
            for person in raised {
                words.append(
                    "  doorward admin users role \(person["email"]?.text ?? "") member  "
                        + "# \(person["role"]?.text ?? "") now"
                )
            }
        }
        self.words = words
    }
}
