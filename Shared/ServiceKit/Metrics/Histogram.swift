internal import Synchronization

/// How often something took how long.
package final class Histogram: Sendable {
    /// Bounds in seconds from a millisecond to ten seconds.
    package static let standardBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// Upper bounds in seconds, rising; what lies above the last has a place of its own.
    let bounds: [Double]
    private let places: [Counter]
    private let nanoseconds = Atomic<Int>(0)

    init(bounds: [Double]) {
        self.bounds = bounds
        places = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts one observation, without a lock or an allocation.
    ///
    /// - Parameter seconds: How long; what is no duration (negative, not a number) counts as none at all.
    package func observe(seconds: Double) {
        guard seconds >= 0, seconds < 1e9 else { return }
        var place = 0
        while place < bounds.count, seconds > bounds[place] { place += 1 }
        places[place].add()
        nanoseconds.wrappingAdd(Int(seconds * 1e9), ordering: .relaxed)
    }

    /// Counts one observation.
    package func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(seconds: Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// Observations up to each bound, the last without one; each is read once, so the last is the sum of all.
    var cumulative: [Int] {
        var sum = 0
        return places.map { place in
            sum += place.total
            return sum
        }
    }

    /// All observations together, in nanoseconds.
    var sum: Int { nanoseconds.load(ordering: .relaxed) }
}
