internal import AuditLog
internal import ServiceKit

/// What is counted of one server; looked up once for each entry and not for each call.
///
/// An object, so that counting does not count references to each of its parts.
final class ServerMetrics: Sendable {
    /// Calls by how they ended, in the order of `Outcome.Kind.allCases`.
    private let calls: [Counter]
    let latency: Histogram
    let bytesIn: Counter
    let bytesOut: Counter
    let active: Gauge
    let notifications: Counter
    private let denials: Counter
    private let up: Gauge
    private let degraded: Gauge
    private let probesAnswered: Counter
    private let probesFailed: Counter
    private let limited: Counter

    init(_ registry: MetricsRegistry, alias: String) {
        let label = ("server", alias)
        calls = Outcome.Kind.allCases.map { kind in
            registry.counter(
                "doorward_calls_total",
                help: "Requests that went to a server, by how they ended.",
                labels: [label, ("outcome", kind.rawValue)]
            )
        }
        latency = registry.histogram(
            "doorward_call_duration_seconds",
            help: "Time from a request to the end of its answer.",
            labels: [label]
        )
        func bytes(_ direction: String) -> Counter {
            registry.counter(
                "doorward_call_bytes_total",
                help: "Bytes of bodies: in from clients, out to them.",
                labels: [label, ("direction", direction)]
            )
        }
        bytesIn = bytes("in")
        bytesOut = bytes("out")
        active = registry.gauge("doorward_calls_active", help: "Requests that are under way.", labels: [label])
        notifications = registry.counter(
            "doorward_notifications_total",
            help: "Messages without an answer, in both directions, and pings.",
            labels: [label]
        )
        func refusals(_ kind: String) -> Counter {
            registry.counter(
                "doorward_refusals_total",
                help: "Requests that were refused before anything went to a server.",
                labels: [label, ("kind", kind)]
            )
        }
        up = registry.gauge("doorward_server_up", help: "Whether a server can be reached.", labels: [label])
        degraded = registry.gauge(
            "doorward_server_degraded",
            help: "Whether a server can be reached and does not answer as it should.",
            labels: [label]
        )
        up.set(1)
        func probes(_ outcome: String) -> Counter {
            registry.counter(
                "doorward_health_probes_total",
                help: "Times that a server was asked whether it is there.",
                labels: [label, ("outcome", outcome)]
            )
        }
        probesAnswered = probes("answered")
        probesFailed = probes("failed")
        denials = refusals("denied")
        limited = refusals("limited")
    }

    func count(_ outcome: Outcome) {
        calls[Self.index(outcome.kind)].add()
        bytesIn.add(outcome.bytesIn)
        bytesOut.add(outcome.bytesOut)
    }

    func show(_ state: ServerHealth.State) {
        up.set(state == .down ? 0 : 1)
        degraded.set(state == .degraded ? 1 : 0)
    }

    func probed(isAnswered: Bool) { (isAnswered ? probesAnswered : probesFailed).add() }

    func countRefusal(isLimit: Bool) {
        (isLimit ? limited : denials).add()
    }

    /// The place of an outcome, found without a search.
    private static func index(_ kind: Outcome.Kind) -> Int {
        switch kind {
        case .ok: 0
        case .toolError: 1
        case .rpcError: 2
        case .notSent: 3
        case .upstreamError: 4
        case .tooLarge: 5
        case .timeout: 6
        case .cancelled: 7
        case .unknown: 8
        }
    }
}
