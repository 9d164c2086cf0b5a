internal import Synchronization

/// All that a process counts, by name and labels.
///
/// Ask for a metric once and keep it: asking takes a lock, using it does not. The same name and labels give the same
/// object. A name holds at most `mostSeries` sets of labels; further ones share a series whose label values are `other`,
/// so that what a stranger sends can never fill the memory.
package final class MetricsRegistry: Sendable {
    /// Labels as they are given: names of `[a-zA-Z_][a-zA-Z0-9_]*`, any values.
    package typealias Labels = [(String, String)]

    static let mostSeries = 1000
    private let families = Mutex<[String: MetricFamily]>([:])

    /// A registry without metrics.
    package init() {}

    /// The counter of this name and these labels.
    package func counter(_ name: String, help: String, labels: Labels = []) -> Counter {
        let metric = metric(name, .counter, help, labels) { .counter(Counter()) }
        guard case .counter(let counter) = metric else { preconditionFailure("\(name) is no counter") }
        return counter
    }

    /// The gauge of this name and these labels.
    package func gauge(_ name: String, help: String, labels: Labels = []) -> Gauge {
        let metric = metric(name, .gauge, help, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = metric else { preconditionFailure("\(name) is no gauge") }
        return gauge
    }

    /// The histogram of this name and these labels.
    ///
    /// - Parameters:
    ///   - name: What is measured; ends in `_seconds`.
    ///   - help: A sentence about it.
    ///   - labels: What tells its series apart.
    ///   - buckets: Upper bounds in seconds, rising; the same for all series of a name.
    /// - Returns: The one object of this name and these labels.
    package func histogram(
        _ name: String,
        help: String,
        labels: Labels = [],
        buckets: [Double] = Histogram.standardBuckets
    ) -> Histogram {
        let metric = metric(name, .histogram(buckets), help, labels) { .histogram(Histogram(bounds: buckets)) }
        guard case .histogram(let histogram) = metric else { preconditionFailure("\(name) is no histogram") }
        return histogram
    }

    /// Everything in Prometheus' text format 0.0.4, names and series in a fixed order.
    package func text() -> String {
        // The families are values, so the lock is not held while the text is written.
        let families = families.withLock { Array($0.values) }
        var output = ""
        for family in families.sorted(by: { $0.name < $1.name }) {
            family.write(to: &output)
        }
        return output
    }

    /// The media type of `text()`.
    package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    private func metric(
        _ name: String,
        _ kind: MetricFamily.Kind,
        _ help: String,
        _ labels: Labels,
        make: () -> MetricFamily.Metric
    ) -> MetricFamily.Metric {
        // Names are literals of this program: a wrong one is found by the first test that runs past it.
        precondition(MetricFamily.isName(name), "\(name) is no name of a metric")
        return families.withLock { families in
            families[name, default: MetricFamily(name: name, kind: kind, help: help)].metric(kind, labels, make: make)
        }
    }
}
