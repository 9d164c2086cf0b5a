/// Numbers and times as pages show them.
enum Numbers {
    /// With a thin space between thousands: `12 345`.
    static func count(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert("\u{202F}", at: place)
            place -= 3
        }
        return (value < 0 ? "\u{2212}" : "") + String(digits)
    }

    /// A count with its noun: `1 call`, `2 calls`.
    static func of(_ value: Int, _ one: String, _ many: String) -> String {
        "\(count(value)) \(value == 1 ? one : many)"
    }

    /// A part of a whole: `98.4`; never 100 where something is missing.
    static func percent(_ part: Double) -> String {
        let tenths = Int((part * 1000).rounded(.down))
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    /// A duration: `84 ms`, `1.2 s`, `3 min`.
    static func milliseconds(_ value: Int) -> String {
        if value < 1000 { return "\(value) ms" }
        if value < 60_000 {
            let tenths = value / 100
            return tenths % 10 == 0 || tenths >= 100 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        return value < 3_600_000 ? "\(value / 60_000) min" : "\(value / 3_600_000) h"
    }

    /// A size: `512 bytes`, `1.5 MB`.
    static func bytes(_ value: Int) -> String {
        guard value >= 1000 else { return of(value, "byte", "bytes") }
        var (size, unit) = (Double(value) / 1000, 0)
        let units = ["kB", "MB", "GB", "TB"]
        while size >= 1000, unit < units.count - 1 {
            size /= 1000
            unit += 1
        }
        let tenths = Int((size * 10).rounded())
        return (tenths >= 100 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)") + "\u{A0}\(units[unit])"
    }

    /// How long ago, or how long still: `12 s`, `5 min`, `3 h`, `2 days`.
    static func span(_ seconds: Int) -> String {
        let seconds = abs(seconds)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" }
        if seconds < 2 * 86_400 { return "\(seconds / 3600) h" }
        return "\(seconds / 86_400) days"
    }

    static func ago(_ seconds: Int, now: Int) -> String {
        now - seconds < 5 ? "just now" : "\(span(now - seconds)) ago"
    }
}
