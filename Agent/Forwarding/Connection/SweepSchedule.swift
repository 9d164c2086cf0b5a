/// When to look at the deadlines of all connections again.
///
/// Deadlines move with every byte. So none has a timer of its own: there is one, set for the earliest that it knows of,
/// and when it rings, those that have passed are dealt with and the earliest of the rest is the next.
struct SweepSchedule {
    /// For when the timer is set; the end of time where it is not.
    private(set) var next = Int64.max

    /// A deadline was set: returns when the timer is to ring, if it has to be set anew.
    mutating func arm(_ deadline: Int64) -> Int64? {
        guard deadline < next else { return nil }
        next = deadline
        return deadline
    }

    /// The timer rang, and this is the earliest deadline that is left: returns when it is to ring again.
    mutating func rang(earliest: Int64) -> Int64? {
        next = earliest
        return earliest == .max ? nil : earliest
    }
}
