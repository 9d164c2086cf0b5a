package import Bytes
internal import Policy
package import StrictJSON

/// `POST /v1/reports`: which records a report is to hold, and what `doorward admin report` asks for.
package struct ReportChoice: Sendable, Equatable {
    /// The first moment.
    package let from: UTCTime
    /// The first moment that is too late; it may lie in the future.
    package let to: UTCTime
    /// The e-mail address of the person whose records are wanted; nil for everyone's.
    package let user: String?
    /// The alias of the server that the records are to be about; nil for all records.
    package let server: String?

    package init(from: UTCTime, to: UTCTime, user: String? = nil, server: String? = nil) {
        self.from = from
        self.to = to
        self.user = user
        self.server = server
    }

    package var json: JSONValue {
        var object: JSONObject = ["from": .text(from.text), "to": .text(to.text)]
        if let user { object["user"] = .text(user) }
        if let server { object["server"] = .text(server) }
        return .object(object)
    }

    /// Reads a choice.
    ///
    /// - Parameters:
    ///   - json: The document.
    ///   - now: What `-24h` and `-7d` are before.
    /// - Throws: `ShapeError`.
    package init(_ json: JSONValue, now: UTCTime) throws {
        self = try ObjectReader.read(json) { reader in
            let choice = ReportChoice(
                from: try reader.moment("from", now),
                to: try reader.moment("to", now),
                user: try reader.optionalAddress("user"),
                server: try reader.optionalName("server")
            )
            guard choice.from <= choice.to else {
                throw ShapeError(reader.path("to"), "must not lie before `from`")
            }
            return choice
        }
    }
}

extension ReportChoice {
    /// A time as people write it: RFC 3339 in UTC, or how long before `now`; nil for anything else.
    package static func moment(_ text: String, now: UTCTime) -> UTCTime? {
        if let time = UTCTime(text) { return time }
        return seconds(text).map { UTCTime(microseconds: max(0, now.microseconds - $0 * 1_000_000)) }
    }

    /// The seconds of `-90s`, `-15min`, `-24h`, `-7d`, as the commands take them; nil for anything else.
    private static func seconds(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "-") else { return nil }
        let digits = bytes.dropFirst().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let units = ["s": 1, "min": 60, "h": 3600, "d": 86_400]
        // Ten years: more is a mistake in typing.
        guard let count = Int(String(decoding: digits, as: UTF8.self)), count > 0,
            let unit = units[String(decoding: bytes[digits.endIndex...], as: UTF8.self)],
            count <= 315_360_000 / unit
        else { return nil }
        return count * unit
    }
}

extension ObjectReader {
    /// A time as people write it: RFC 3339 in UTC, or how long before now.
    mutating func moment(_ name: JSONText, _ now: UTCTime) throws(ShapeError) -> UTCTime {
        guard let time = ReportChoice.moment(try text(name), now: now) else {
            throw ShapeError(path(name), "must be a time in UTC like 2026-11-22T11:35:50Z, or -24h or -7d before now")
        }
        return time
    }

    /// An e-mail address, in the spelling in which addresses are kept.
    mutating func optionalAddress(_ name: JSONText) throws(ShapeError) -> String? {
        guard let text = try optionalText(name) else { return nil }
        guard let address = EmailAddress(text) else { throw ShapeError(path(name), "must be an e-mail address") }
        return address.text
    }

    /// At most 256 bytes, as a line of the report's summary has to hold it.
    mutating func optionalName(_ name: JSONText) throws(ShapeError) -> String? {
        guard let text = try optionalIdentifier(name) else { return nil }
        guard text.utf8.count <= 256 else { throw ShapeError(path(name), "must have at most 256 bytes") }
        return text.string
    }
}
