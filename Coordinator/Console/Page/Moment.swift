internal import Bytes

extension Cell {
    /// A time that is given in seconds since 1970, as `2026-11-30 13:05 UTC`; the browser may write it in its own zone.
    static func moment(_ seconds: Int, small: String? = nil) -> Cell {
        let text = UTCTime(seconds: seconds).shortText
        return Cell("\(Moment.text(seconds)) UTC", small: small, moment: text)
    }

    /// The same to the second.
    static func exactly(_ seconds: Int) -> Cell {
        let text = UTCTime(seconds: seconds).shortText
        return Cell("\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC", moment: text)
    }
}

/// Times as pages show them, in UTC.
enum Moment {
    /// `2026-11-30 13:05`.
    static func text(_ seconds: Int) -> String {
        let text = UTCTime(seconds: seconds).shortText
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))"
    }

    /// `13:05`.
    static func hour(_ seconds: Int) -> String { String(UTCTime(seconds: seconds).shortText.dropFirst(11).prefix(5)) }

    /// `30 Nov`.
    static func day(_ seconds: Int) -> String {
        let text = UTCTime(seconds: seconds).shortText
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = Int(text.dropFirst(5).prefix(2)) ?? 1
        return "\(Int(text.dropFirst(8).prefix(2)) ?? 1) \(months[month - 1])"
    }
}
