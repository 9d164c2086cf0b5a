internal import ServiceKit

/// How long a program that ends again and again is left alone before it is started the next time.
///
/// Pure: time and chance are arguments. One failure costs no pause, since a program may end because it does not know what it
/// was asked first; from the second in a row on, each pause is up to twice as long as the one before.
package struct RestartPause {
    private var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
    private var failures = 0
    private var until: ContinuousClock.Instant?

    package init() {}

    /// It ended before it had answered anything.
    package mutating func failed(at now: ContinuousClock.Instant, chance: Double) {
        failures += 1
        if failures > 1 { until = now + backoff.failed(chance: chance) }
    }

    /// It answered.
    package mutating func succeeded() {
        failures = 0
        backoff.reset()
        until = nil
    }

    /// How long it is not started yet; nil where it may be.
    package func left(at now: ContinuousClock.Instant) -> Duration? {
        guard let until, until > now else { return nil }
        return until - now
    }
}
