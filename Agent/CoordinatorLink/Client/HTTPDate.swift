internal import Bytes

/// The time in a `Date` header (RFC 9110, 5.6.7), in the one form that is sent.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
    static func seconds(_ text: String) -> Int? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[0].utf8.count == 4, words[5] == "GMT", words[1].utf8.count == 2,
            words[3].utf8.count == 4, words[4].utf8.count == 8, let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return UTCTime("\(words[3])-\(number)-\(words[1])T\(words[4])Z")?.seconds
    }
}
