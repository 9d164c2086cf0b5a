/// Times as signed documents and records have them: `2026-11-22T11:35:50.123456Z`, always 27 characters.
package enum Timestamp {
    /// The last microsecond that can be written: the end of the year 9999.
    package static let max: Int64 = 253_402_300_799_999_999
    private static let length = 27

    /// The text for microseconds since 1970; a clock outside of 1970 to 9999 is written as the nearest end.
    package static func text(_ microseconds: Int64) -> String {
        withUnsafeTemporaryAllocation(byteCount: length, alignment: 1) { room in
            var output = ByteWriter(room)
            write(microseconds, to: &output)
            return String(decoding: output.written, as: UTF8.self)
        }
    }

    /// The microseconds since 1970 of a text of exactly this form; nil for anything else.
    package static func microseconds(_ text: some Collection<UInt8>) -> Int64? {
        text.withContiguousStorageIfAvailable(microseconds) ?? Array(text).withUnsafeBufferPointer(microseconds)
    }

    private static func microseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text.count == length, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            text[19] == UInt8(ascii: "."), text[26] == UInt8(ascii: "Z"),
            let year = number(text, 0..<4), let month = number(text, 5..<7), let day = number(text, 8..<10),
            let hour = number(text, 11..<13), let minute = number(text, 14..<16), let second = number(text, 17..<19),
            let fraction = number(text, 20..<26), year >= 1970, (1...12).contains(month),
            (1...days(inMonth: month, of: year)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction
    }

    /// The nearest microsecond that can be written.
    package static func clamped(_ microseconds: Int64) -> Int64 {
        min(Swift.max(microseconds, 0), max)
    }

    /// Appends the text.
    package static func write(_ microseconds: Int64, to output: inout ByteWriter) {
        let microseconds = clamped(microseconds)
        let seconds = microseconds / 1_000_000
        let (year, month, day) = date(daysSince1970: seconds / 86_400)
        let rest = seconds % 86_400
        func write(_ value: Int64, _ digits: Int) { output.append(decimal: UInt64(value), digits: digits) }
        write(year, 4)
        output.append("-")
        write(month, 2)
        output.append("-")
        write(day, 2)
        output.append("T")
        write(rest / 3600, 2)
        output.append(":")
        write(rest / 60 % 60, 2)
        output.append(":")
        write(rest % 60, 2)
        output.append(".")
        write(microseconds % 1_000_000, 6)
        output.append("Z")
    }

    private static func number(_ text: UnsafeBufferPointer<UInt8>, _ places: Range<Int>) -> Int64? {
        var value: Int64 = 0
        for place in places {
            let digit = text[place] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        return value
    }

    // The two directions of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March:
    // https://howardhinnant.github.io/date_algorithms.html

    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        default: 31
        }
    }
}
