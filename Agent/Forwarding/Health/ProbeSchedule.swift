/// When a server is asked next whether it is there; pure.
///
/// A server that answers its calls need not be asked, and many servers are not asked at the same moment.
struct ProbeSchedule {
    /// Between two questions, in nanoseconds; 0: it is never asked.
    private let interval: Int64
    private var due: Int64

    /// - Parameters:
    ///   - interval: in nanoseconds.
    ///   - now: the time, in nanoseconds.
    ///   - chance: in 0..<1, where in the first interval it is asked.
    init(interval: Int64, now: Int64, chance: Double) {
        self.interval = interval
        due = interval > 0 ? now + Int64(Double(interval) * chance) : .max
    }

    /// When to look again.
    var next: Int64 { due }

    /// Whether to ask now.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - answered: when the server last answered anything.
    /// - Returns: true once for each time that it is to be asked.
    mutating func isDue(_ now: Int64, answered: Int64) -> Bool {
        guard interval > 0, now >= due else { return false }
        guard now - answered >= interval else {
            due = answered + interval
            return false
        }
        due = now + interval
        return true
    }
}
