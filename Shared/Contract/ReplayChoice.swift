package import Bytes
package import StrictJSON

/// Which calls on record a policy is tried on: what `POST /v1/policy/simulations` and `/v1/policy/suggestions` take beside
/// what is tried.
package struct ReplayChoice: Sendable, Equatable {
    /// The first moment; a week before now where nothing is said.
    package let since: UTCTime
    /// The first moment that is too late; now where nothing is said.
    package let until: UTCTime
    /// The e-mail address of the person whose calls are wanted; nil for everyone's.
    package let user: String?
    /// The alias of the server that they went to; nil for all.
    package let server: String?

    private static let usualSeconds = 7 * 86_400

    package init(since: UTCTime, until: UTCTime, user: String? = nil, server: String? = nil) {
        self.since = since
        self.until = until
        self.user = user
        self.server = server
    }

    /// Reads the members `since`, `until`, `user` and `server`.
    ///
    /// - Parameters:
    ///   - reader: Reads the document, which may have further members.
    ///   - now: What `-24h` and `-7d` are before.
    /// - Throws: `ShapeError`.
    package init(members reader: inout ObjectReader, now: UTCTime) throws(ShapeError) {
        since =
            try reader.optionalMoment("since", now)
            ?? UTCTime(microseconds: max(0, now.microseconds - Self.usualSeconds * 1_000_000))
        until = try reader.optionalMoment("until", now) ?? now
        user = try reader.optionalAddress("user")
        server = try reader.optionalName("server")
        guard since <= until else { throw ShapeError(reader.path("until"), "must not lie before `since`") }
    }
}

extension ObjectReader {
    fileprivate mutating func optionalMoment(_ name: JSONText, _ now: UTCTime) throws(ShapeError) -> UTCTime? {
        optional(name) == nil ? nil : try moment(name, now)
    }
}
