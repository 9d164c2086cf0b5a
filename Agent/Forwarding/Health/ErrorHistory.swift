internal import StrictJSON

/// What went wrong with a server lately: each error once, with how often and when it was seen last.
package struct ErrorHistory: Sendable, Equatable {
    /// One error.
    package struct Entry: Sendable, Equatable {
        /// What happened, safe to show.
        package let words: String
        /// When it was seen first and last, in microseconds since 1970.
        package let first: Int64
        package fileprivate(set) var last: Int64
        /// How often in a row.
        package fileprivate(set) var count: Int
    }

    /// The newest at the end.
    package private(set) var entries: [Entry] = []

    /// The most that are kept.
    package static let most = 10
    private static let longest = 300

    /// Takes note of an error; one that is the same as the last counts it up.
    mutating func note(_ words: String, now: Int64) {
        let words = String(words.prefix(Self.longest))
        if let last = entries.indices.last, entries[last].words.utf8.elementsEqual(words.utf8) {
            entries[last].last = now
            entries[last].count += 1
            return
        }
        if entries.count >= Self.most { entries.removeFirst() }
        entries.append(Entry(words: words, first: now, last: now, count: 1))
    }
}
