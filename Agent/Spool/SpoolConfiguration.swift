/// How large a spool may grow, and what it keeps.
package struct SpoolConfiguration: Sendable {
    /// The most bytes of records; from there on nothing begins any more.
    ///
    /// A call needs about 1.3 KB, so this is a month of a busy desk without its coordinator. Default 2 GiB.
    package var maxBytes = 2 << 30
    /// The share of `maxBytes` that refusals may use: a client that is refused without end takes no room from calls.
    var deniedBytes: Int { maxBytes / 4 }
    /// The most calls that have begun and not ended.
    ///
    /// Each of them ends, if need be at the next start, and the reserve has room for all these ends.
    package var mostOpenCalls = 65_536
    /// What is kept free on the disk for the ends of what has begun, beyond `maxBytes`.
    ///
    /// Default 64 MiB.
    package var reserveBytes = 64 << 20
    /// A new segment file is begun at this size.
    ///
    /// Default 8 MiB: what a start has to read again, at most.
    package var segmentBytes = 8 << 20
    /// How much of what is countersigned is kept for people to look at.
    ///
    /// Default 64 MiB, and no longer than `keptAge`.
    package var keptBytes = 64 << 20
    /// How long what is countersigned is kept, in seconds.
    ///
    /// Default 7 days.
    package var keptAge = 7 * 86_400

    package init() {}
}
