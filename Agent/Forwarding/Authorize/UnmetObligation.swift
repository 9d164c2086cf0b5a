internal import AuditLog
internal import MCP
internal import Policy
package import StrictJSON

/// What of the obligations of a call is not met, of those that depend on the machine and its person alone.
///
/// `explain` says the same of a call that nobody makes.
package enum UnmetObligation: Hashable, Sendable {
    /// The key is kept elsewhere than in one of these.
    case keyProtection([JSONText], custody: JSONText?)
    /// The coordinator was not heard of for this time in seconds, or not at all.
    case onlineWithin(Int, age: Int?)
    /// The person has signed in so long ago in seconds, or it is not known when.
    case recentLogin(Int, age: Int?, url: String?)

    /// The code of the reason: the member of the rule.
    package var reason: JSONText {
        switch self {
        case .keyProtection: "key_protection"
        case .onlineWithin: "online_within"
        case .recentLogin: "recent_login"
        }
    }

    /// The obligations that are not met, in the order in which they are told.
    static func all(
        _ obligations: Obligations,
        signedIn: Int?,
        _ machine: MachineFacts?,
        now: Int64
    ) -> [UnmetObligation] {
        var unmet: [UnmetObligation] = []
        if let places = obligations.keyProtection, machine.map({ !places.contains($0.custody) }) ?? true {
            unmet.append(.keyProtection(places.sorted(), custody: machine?.custody))
        }
        if let most = obligations.onlineWithin {
            let age = machine?.contact.age(now: now)
            if age.map({ $0 > most }) ?? true { unmet.append(.onlineWithin(most, age: age)) }
        }
        if let most = obligations.recentLogin {
            let age = machine.flatMap { machine in signedIn.map { max(0, Int(machine.time() / 1_000_000) - $0) } }
            if age.map({ $0 > most }) ?? true {
                unmet.append(.recentLogin(most, age: age, url: machine?.signInURL))
            }
        }
        return unmet
    }

    /// What is demanded and how it stands, as a sentence about the placeholders of a `Refusal`.
    var words: String {
        switch self {
        case .keyProtection(let places, let custody):
            let wanted = places.isEmpty ? "nowhere" : places.map(\.string).joined(separator: " or ")
            return
                "The policy lets {item} at {server} be called only from machines whose key is kept in \(wanted), and this "
                + "one's is kept in \(custody?.string ?? "an unknown place"): an administrator can change that."
        case .onlineWithin(let most, let age):
            let last =
                age.map { "it was last heard of \(Self.time($0)) ago" } ?? "it was not heard of since the agent began"
            return "The policy lets {item} at {server} be called only while the coordinator was heard of within "
                + "\(Self.time(most)), and \(last): `doorward status` shows what keeps it."
        case .recentLogin(let most, let age, let url):
            let last = age.map { "your last was \(Self.time($0)) ago" } ?? "none of yours is known"
            let place = url.map { " at \($0)" } ?? ""
            return
                "The policy lets {item} at {server} be called only within \(Self.time(most)) of a sign-in, and \(last): sign "
                + "in\(place) and call again."
        }
    }

    /// The same about one call.
    package func sentence(tool: JSONText, server: JSONText) -> String {
        Refusal(code: .denied, reason: reason, message: words).about(server, .tool(tool)).words()
    }

    /// A time as people say it, in its largest unit and rounded up.
    private static func time(_ seconds: Int) -> String {
        let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)]
        let unit = units.first { seconds >= $0.1 } ?? units[3]
        let count = (seconds + unit.1 - 1) / unit.1
        return count == 1 ? "1 \(unit.0)" : "\(count) \(unit.0)s"
    }
}
