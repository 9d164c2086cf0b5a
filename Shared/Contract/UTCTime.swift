/// A point in time, written as `2026-11-22T11:35:50.123456Z`: fixed width, so that texts sort as times do.
package struct UTCTime: Sendable, Hashable, Comparable {
    /// Since 1970-01-01, UTC, without leap seconds.
    package var microseconds: Int

    /// The time so many microseconds after 1970.
    package init(microseconds: Int) { self.microseconds = microseconds }

    /// The time so many seconds after 1970.
    package init(seconds: Int) { self.microseconds = seconds * 1_000_000 }

    /// Whole seconds since 1970.
    package var seconds: Int { microseconds.floored(by: 1_000_000) }

    package static func < (left: UTCTime, right: UTCTime) -> Bool { left.microseconds < right.microseconds }

    /// The fixed-width form of signed documents.
    package var text: String {
        "\(dateAndTime).\(padded(microseconds - seconds * 1_000_000, to: 6))Z"
    }

    /// The form without a fraction, for people and the API.
    package var shortText: String { "\(dateAndTime)Z" }

    /// Reads RFC 3339 in UTC: `Z` only, any number of fractional digits up to six.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        func number(_ digits: Int) -> Int? {
            guard bytes.count >= digits else { return nil }
            var value = 0
            for byte in bytes.prefix(digits) {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            bytes.removeFirst(digits)
            return value
        }
        func skip(_ character: Unicode.Scalar) -> Bool {
            guard bytes.first == UInt8(ascii: character) else { return false }
            bytes.removeFirst()
            return true
        }
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2), skip("T"),
            let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2)
        else { return nil }
        var fraction = 0
        if skip(".") {
            let digits = bytes.prefix { $0 != UInt8(ascii: "Z") }.count
            guard (1...6).contains(digits), var value = number(digits) else { return nil }
            for _ in digits..<6 { value *= 10 }
            fraction = value
        }
        guard skip("Z"), bytes.isEmpty, (1...12).contains(month), hour < 24, minute < 60, second < 60,
            (1...Self.days(in: month, of: year)).contains(day)
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        microseconds = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction
    }

    private var dateAndTime: String {
        let days = seconds.floored(by: 86_400)
        let rest = seconds - days * 86_400
        let date = Self.date(days: days)
        let day = "\(padded(date.year, to: 4))-\(padded(date.month, to: 2))-\(padded(date.day, to: 2))"
        return "\(day)T\(padded(rest / 3600, to: 2)):\(padded(rest / 60 % 60, to: 2)):\(padded(rest % 60, to: 2))"
    }

    private func padded(_ value: Int, to width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static func days(in month: Int, of year: Int) -> Int {
        let isLeap = (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    // Both ways after "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant): eras of 400 years that begin on
    // the first of March, so that the leap day is the last of its year.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year.floored(by: 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.floored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int {
    fileprivate func floored(by divisor: Int) -> Int {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
