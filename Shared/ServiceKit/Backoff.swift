/// How long to wait before the next try: twice as long each time up to a limit, and never all at the same moment.
///
/// Pure: chance is an argument.
package struct Backoff: Sendable {
    private let first: Duration
    private let longest: Duration
    /// How often it went wrong since it last went well.
    package private(set) var failures = 0

    /// - Parameters:
    ///   - first: the step after the first failure.
    ///   - longest: no step is longer.
    package init(first: Duration = .milliseconds(500), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
    }

    /// It went well.
    package mutating func reset() { failures = 0 }

    /// It went wrong; returns how long to wait: between half and all of the step's time.
    ///
    /// - Parameter chance: Between 0 and 1.
    /// - Returns: The time to wait.
    package mutating func failed(chance: Double) -> Duration {
        let step = min(longest, first * (1 << min(failures, 20)))
        failures += 1
        return Self.spread(step, chance: chance)
    }

    /// Between half and all of a time, so that those who failed together do not come back together.
    ///
    /// - Parameters:
    ///   - time: the longest wait.
    ///   - chance: between 0 and 1.
    /// - Returns: the time to wait.
    package static func spread(_ time: Duration, chance: Double) -> Duration {
        time / 2 + time / 2 * min(max(chance, 0), 1)
    }
}
