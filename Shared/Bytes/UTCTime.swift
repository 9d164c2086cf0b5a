/// A point in time from 1970 on, written as `2026-11-22T11:35:50.123456Z`: fixed width, so that texts sort as times do.
package struct UTCTime: Sendable, Hashable, Comparable {
    /// Since 1970-01-01, UTC, without leap seconds.
    package var microseconds: Int

    /// The time so many microseconds after 1970.
    package init(microseconds: Int) { self.microseconds = microseconds }

    /// The time so many seconds after 1970.
    package init(seconds: Int) { self.microseconds = seconds * 1_000_000 }

    /// Whole seconds since 1970.
    package var seconds: Int { microseconds / 1_000_000 }

    package static func < (left: UTCTime, right: UTCTime) -> Bool { left.microseconds < right.microseconds }

    /// The fixed-width form of signed documents.
    package var text: String { Timestamp.text(Int64(microseconds)) }

    /// The form without a fraction, for people and the API.
    package var shortText: String { "\(text.prefix(19))Z" }

    /// Reads RFC 3339 in UTC: `Z` only, any number of fractional digits up to six.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        var fraction = Array(bytes[19..<(bytes.count - 1)])
        // Brought to the one width that is read: a fraction is a point and one to six digits, or absent.
        if fraction.isEmpty { fraction = Array(".0".utf8) }
        guard (2...7).contains(fraction.count) else { return nil }
        while fraction.count < 7 { fraction.append(UInt8(ascii: "0")) }
        guard let value = Timestamp.microseconds(bytes[..<19] + fraction + [UInt8(ascii: "Z")]) else { return nil }
        microseconds = Int(value)
    }
}
