internal import AgentState
internal import ServiceKit
package import StrictJSON

/// The outcome of a leave, with all that its user has to know.
package struct Departure: Sendable {
    /// Records that the coordinator does not have.
    package struct Kept: Sendable, Equatable {
        /// The folder in which they are.
        package let path: String
        /// How many; nil where that cannot be told any more.
        package let records: Int?
        /// Why the coordinator does not have them, as a message.
        package let why: String
    }

    package let agentID: String
    package let url: String
    /// Why the coordinator does not know of it; nil where it does.
    package internal(set) var untold: String?
    /// Why the keyring still holds the key; nil where it does not.
    package internal(set) var keyLeft: String?
    package internal(set) var kept: Kept?
    /// Why records were not shipped; nil where all of them were.
    var unshipped: String?

    init(_ membership: Membership) {
        agentID = membership.agentID
        url = membership.url
    }

    /// The document of `doorward logout`.
    package var json: JSONValue {
        let folder: JSONValue? = kept.map { kept in
            [
                "path": .text(kept.path), "records": kept.records.map { .int($0) } ?? .null, "why": .text(kept.why),
            ]
        }
        return ["left": .text(agentID), "told": .bool(untold == nil), "kept": folder ?? .null, "words": .array(lines)]
    }

    private var lines: [JSONValue] { words.map { .text($0) } }

    /// The same for people.
    package var words: [String] {
        var words = ["This machine has left \(url). To come back: doorward login URL --token-file FILE"]
        if let kept {
            let count = kept.records.map { $0 == 1 ? "1 record" : "\($0) records" } ?? "Records"
            words.append("\(count) that the coordinator does not have: kept in \(kept.path) (\(kept.why)).")
        }
        if untold == nil {
            words.append("The API tokens and unused invitations that this machine made have ended with it.")
        }
        if let untold {
            words.append("The coordinator was not told (\(untold)). Ask an administrator to end this machine there:")
            words.append("doorward admin agents revoke \(agentID)")
        }
        if let keyLeft {
            words.append("The key is still in the keyring, where it is called Doorward (\(keyLeft)).")
        }
        return words
    }
}
