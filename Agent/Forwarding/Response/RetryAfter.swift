internal import Bytes

/// Reads `Retry-After` (RFC 9110 section 10.2.3): a number of seconds, or a date.
enum RetryAfter {
    /// No client is told to wait for longer: after that time it has forgotten why it waits.
    private static let longest: Int64 = 86_400

    /// The time to wait in milliseconds, nil for what is neither of the two; `now` is in microseconds since 1970.
    static func milliseconds(_ value: UnsafeBufferPointer<UInt8>, now: Int64) -> Int? {
        guard let seconds = seconds(value) ?? date(value).map({ ($0 - now + 999_999) / 1_000_000 }) else { return nil }
        return Int(min(max(seconds, 0), longest)) * 1000
    }

    private static func seconds(_ value: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard !value.isEmpty, value.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return value.reduce(0) { min($0 * 10 + Int64($1 - UInt8(ascii: "0")), longest) }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Microseconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is sent.
    private static func date(_ value: UnsafeBufferPointer<UInt8>) -> Int64? {
        let words = String(decoding: value, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[0].utf8.count == 4, words[5] == "GMT",
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp.microseconds("\(words[3])-\(number)-\(words[1])T\(words[4]).000000Z".utf8)
    }
}
