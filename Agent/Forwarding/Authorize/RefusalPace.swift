/// How often a client may be refused before its refusals wait: 50 times a second.
///
/// Each refusal leaves a record, so a client that is refused without a pause would fill the log for every other client.
struct RefusalPace {
    /// Nanoseconds from one refusal to the next.
    static let interval: Int64 = 1_000_000_000 / 50
    /// How far refusals may run ahead: 50 of them pass at once from rest.
    private static let tolerance: Int64 = 49 * interval

    /// When all that was refused would have been, one after the other (GCRA).
    private var arrival: Int64 = .min

    /// Takes a refusal in; returns when it is due: now, or later.
    mutating func take(now: Int64) -> Int64 {
        let start = max(arrival, now)
        arrival = start + Self.interval
        return max(now, start - Self.tolerance)
    }

    /// Takes a refusal in that is due now; false where it is not.
    mutating func takeNow(_ now: Int64) -> Bool {
        guard max(arrival, now) - Self.tolerance <= now else { return false }
        _ = take(now: now)
        return true
    }

    /// Whether it behaves like a new one.
    func isAtRest(now: Int64) -> Bool { arrival <= now }
}
