/// All series of one name.
struct MetricFamily: Sendable {
    enum Kind: Equatable, Sendable {
        case counter, gauge
        case histogram([Double])
    }

    enum Metric: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    let name: String
    let kind: Kind
    let help: String
    /// By the labels as they are written, `a="b",c="d"`, so that equal ones cannot occur twice.
    private var series: [String: Metric] = [:]

    init(name: String, kind: Kind, help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    mutating func metric(_ kind: Kind, _ labels: MetricsRegistry.Labels, make: () -> Metric) -> Metric {
        precondition(kind == self.kind, "\(name) is used for two kinds of metric")
        var key = Self.text(labels)
        if let metric = series[key] { return metric }
        if series.count >= MetricsRegistry.mostSeries {
            key = Self.text(labels.map { ($0.0, "other") })
            if let metric = series[key] { return metric }
        }
        let metric = make()
        series[key] = metric
        return metric
    }

    func write(to output: inout String) {
        output += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(typeName)\n"
        for (labels, metric) in series.sorted(by: { $0.key < $1.key }) {
            switch metric {
            case .counter(let counter): write(labels, counter.total, to: &output)
            case .gauge(let gauge): write(labels, gauge.current, to: &output)
            case .histogram(let histogram): write(labels, histogram, to: &output)
            }
        }
    }

    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
    }

    private var typeName: String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }

    private func write(_ labels: String, _ value: Int, to output: inout String) {
        output += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
    }

    private func write(_ labels: String, _ histogram: Histogram, to output: inout String) {
        let counts = histogram.cumulative
        let separator = labels.isEmpty ? "" : ","
        for (bound, count) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], counts) {
            output += "\(name)_bucket{\(labels)\(separator)le=\"\(bound)\"} \(count)\n"
        }
        let block = labels.isEmpty ? "" : "{\(labels)}"
        output += "\(name)_sum\(block) \(Double(histogram.sum) / 1e9)\n"
        output += "\(name)_count\(block) \(counts.last ?? 0)\n"
    }

    private static func text(_ labels: MetricsRegistry.Labels) -> String {
        let sorted = labels.sorted { $0.0 < $1.0 }
        precondition(
            sorted.allSatisfy { isName($0.0) && $0.0 != "le" } && Set(sorted.map(\.0)).count == sorted.count,
            "labels need names, each once"
        )
        return sorted.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
    }

    /// https://prometheus.io/docs/instrumenting/exposition_formats/: backslash, line feed and, in values, the quote.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): output += Array("\\\\".utf8)
            case UInt8(ascii: "\n"): output += Array("\\n".utf8)
            case UInt8(ascii: "\"") where quotes: output += Array("\\\"".utf8)
            default: output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
