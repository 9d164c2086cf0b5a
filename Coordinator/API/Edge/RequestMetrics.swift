internal import ServiceKit
internal import Synchronization

/// Counts requests by operation: labels are paths as declared, never as sent.
struct RequestMetrics: Sendable {
    /// What is counted for one operation.
    struct Series: Sendable {
        let byClass: [Counter]
        let duration: Histogram
    }

    /// Requests that lead to no operation.
    static let unknown = "unknown"

    let underway: Gauge
    private let series: [String: Series]
    private let other: Series

    init(_ registry: MetricsRegistry, routes: RouteTable) {
        underway = registry.gauge("doorward_http_requests_underway", help: "Requests that are being answered.")
        series = Dictionary(
            uniqueKeysWithValues: routes.operations.map { operation in
                (operation.name, Self.series(registry, operation.method, operation.path))
            }
        )
        other = Self.series(registry, Self.unknown, Self.unknown)
    }

    func count(_ operation: Operation?, status: Int, duration: Duration) {
        let series = operation.flatMap { self.series[$0.name] } ?? other
        // 1xx never leaves here; whatever else is not a class of its own counts as a failure.
        series.byClass[(2...5).contains(status / 100) ? status / 100 - 2 : 3].add()
        series.duration.observe(duration)
    }

    private static func series(_ registry: MetricsRegistry, _ method: String, _ route: String) -> Series {
        let labels = [("method", method), ("route", route)]
        return Series(
            byClass: ["2xx", "3xx", "4xx", "5xx"].map { status in
                registry.counter(
                    "doorward_http_requests_total",
                    help: "Requests that were answered, by operation and class of status.",
                    labels: labels + [("status", status)]
                )
            },
            // A long poll rests for up to 25 seconds.
            duration: registry.histogram(
                "doorward_http_request_duration_seconds",
                help: "Time from the head of a request to the head of its answer.",
                labels: labels,
                buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]
            )
        )
    }
}
