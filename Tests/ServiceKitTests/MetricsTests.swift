import Testing

@testable import ServiceKit

@Suite("Metrics")
struct MetricsTests {
    @Test("The text is Prometheus' own, in a fixed order")
    func text() {
        let metrics = MetricsRegistry()
        metrics.counter("b_total", help: "Second.", labels: [("x", "1"), ("a", "2")]).add(3)
        metrics.counter("b_total", help: "Second.", labels: [("a", "1"), ("x", "1")]).add()
        metrics.gauge("a_now", help: "First.").set(-4)
        #expect(
            metrics.text() == """
                # HELP a_now First.
                # TYPE a_now gauge
                a_now -4
                # HELP b_total Second.
                # TYPE b_total counter
                b_total{a="1",x="1"} 1
                b_total{a="2",x="1"} 3

                """
        )
    }

    @Test("The same name and labels give the same object, in whatever order the labels are")
    func identity() {
        let metrics = MetricsRegistry()
        let first = metrics.counter("c_total", help: "C.", labels: [("a", "1"), ("b", "2")])
        #expect(first === metrics.counter("c_total", help: "C.", labels: [("b", "2"), ("a", "1")]))
        #expect(first !== metrics.counter("c_total", help: "C.", labels: [("a", "1"), ("b", "3")]))
    }

    @Test("What strangers name cannot leave its quotes")
    func escapes() {
        let metrics = MetricsRegistry()
        let name = "x\"} 1\nother_total{a=\"\\"
        metrics.counter("c_total", help: "One\nline \\.", labels: [("a", name)]).add()
        #expect(
            metrics.text() == #"""
                # HELP c_total One\nline \\.
                # TYPE c_total counter
                c_total{a="x\"} 1\nother_total{a=\"\\"} 1

                """#
        )
    }

    @Test("Strangers cannot fill the memory with series")
    func bound() {
        let metrics = MetricsRegistry()
        for number in 0..<3 * MetricsRegistry.mostSeries {
            metrics.counter("c_total", help: "C.", labels: [("a", "\(number)")]).add()
        }
        let lines = metrics.text().split(separator: "\n")
        #expect(lines.count <= MetricsRegistry.mostSeries + 3)
        #expect(lines.contains("c_total{a=\"other\"} \(2 * MetricsRegistry.mostSeries)"))
    }

    @Test("A histogram counts up to each bound, and all of it at the end")
    func histogram() {
        let metrics = MetricsRegistry()
        let histogram = metrics.histogram("t_seconds", help: "T.", labels: [("a", "1")], buckets: [0.5, 1])
        for seconds in [0.25, 0.5, 0.75, 8, .nan, -1, .infinity] { histogram.observe(seconds: seconds) }
        histogram.observe(.milliseconds(500))
        #expect(
            metrics.text() == """
                # HELP t_seconds T.
                # TYPE t_seconds histogram
                t_seconds_bucket{a="1",le="0.5"} 3
                t_seconds_bucket{a="1",le="1.0"} 4
                t_seconds_bucket{a="1",le="+Inf"} 5
                t_seconds_sum{a="1"} 10.0
                t_seconds_count{a="1"} 5

                """
        )
    }

    @Test("Nothing is lost when many count at once")
    func concurrency() async {
        let metrics = MetricsRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { metrics.counter("c_total", help: "C.").add() }
                }
            }
        }
        #expect(metrics.counter("c_total", help: "C.").total == 8000)
    }
}
