package import Bytes
internal import Errors
package import StrictJSON

/// That an administrator has locked a machine, or its person, or that the person has to sign in again: no call passes until then.
///
/// It is a part of the signed state of a machine's sync, so it has an order as all else in it: nobody on the way can put it
/// on, take it off, or bring an old one back.
package struct MachineLock: Sendable, Equatable {
    package let since: UTCTime
    /// Why, in the administrator's words; one line.
    package let why: String?
    /// Whether no administrator has done it: the identity provider does not name the person any more, and the person's next
    /// sign-in ends it.
    package let isLapse: Bool

    /// The longest reason, in characters.
    package static let longestWhy = 200

    package init(since: UTCTime, why: String?, isLapse: Bool = false) {
        self.since = since
        self.why = why
        self.isLapse = isLapse
    }

    /// Whether a reason can be shown.
    package static func isLine(_ why: String) -> Bool {
        (1...longestWhy).contains(why.count)
            && why.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }

    package var json: JSONValue {
        var object: JSONObject = ["since": .text(since.text)]
        object["why"] = why.map { .text($0) }
        if isLapse { object["lapse"] = true }
        return .object(object)
    }

    init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let why = try reader.optionalText("why")
            guard why.map(Self.isLine) ?? true else { throw ShapeError(reader.path("why"), "must be one line") }
            return MachineLock(
                since: try reader.time("since"),
                why: why,
                isLapse: try reader.optionalBool("lapse") ?? false
            )
        }
    }
}

extension MachineLock: ExplainedError {
    package var code: String { isLapse ? "sign_in_ended" : "locked_by_administrator" }

    package var message: String {
        guard !isLapse else { return "Your sign-in at your organisation's identity provider has ended." }
        return "An administrator has locked this machine" + (why.map { ": \($0)" } ?? ".")
    }

    package var next: String? {
        guard !isLapse else { return "Sign in again: doorward login URL; the agent then goes on by itself." }
        return "Ask an administrator; the agent goes on by itself once the lock is taken off."
    }
}
