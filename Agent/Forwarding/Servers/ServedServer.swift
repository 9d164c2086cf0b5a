internal import Bridging
internal import MCP
internal import NIOCore
internal import ServiceKit
internal import StrictJSON
internal import Upstreams

/// One server, with all that its calls share; belongs to the event loop.
final class ServedServer {
    let alias: JSONText
    let transport: ServerTransport
    /// The connections to its address; nil for a server that has none.
    let upstream: UpstreamServer?
    let requestHead: UpstreamRequestHead?
    /// Asks it where it cannot be asked as its client asks.
    let bridge: ServerBridge
    /// Silence after which a call has failed, in nanoseconds.
    let timeout: Int64
    let credential: CredentialTarget?
    let metrics: ServerMetrics
    /// The definitions of its tools.
    let pins: ToolPins
    /// Whether it answers GET with 404 in a session that it has begun just before.
    var hasNoStreams = false
    /// How often its own requests are refused.
    var refusals = RefusalPace()
    /// How often it is asked whether it is there, in nanoseconds; 0: never.
    let healthInterval: Int64
    /// When it is asked next.
    var probes: ProbeSchedule?
    /// When it last answered anything, in nanoseconds.
    var answered = Int64.min / 2
    /// What went wrong lately.
    var errors = ErrorHistory()
    /// Whether its trouble is that it cannot be asked at all.
    private var isUnreachable = false
    /// What it answered last, where that was no answer to the request: the message, and since when in microseconds.
    private var trouble: (words: String, since: Int64)?

    init(
        _ server: ForwardedServer,
        upstream: UpstreamServer?,
        bridge: ServerBridge,
        userAgent: String,
        metrics: ServerMetrics,
        pins: ToolPins
    ) {
        alias = server.alias
        transport = server.transport
        self.upstream = upstream
        self.bridge = bridge
        requestHead = server.transport.endpoint.map { UpstreamRequestHead($0, userAgent: userAgent) }
        timeout = server.timeout.nanoseconds
        credential = server.credential
        healthInterval = server.healthInterval.nanoseconds
        self.metrics = metrics
        self.pins = pins
    }

    /// Who shares a session with it.
    var isolation: Isolation { bridge.settings.isolation }

    /// Whether a call that begins now would go the same way.
    func isSame(as server: ForwardedServer) -> Bool {
        bridge.settings == server.bridging && timeout == server.timeout.nanoseconds && credential == server.credential
            && healthInterval == server.healthInterval.nanoseconds
    }

    /// Takes note of an answer.
    func noteAnswer(trouble words: String?, now: Int64) {
        guard let words else {
            if trouble != nil { trouble = nil }
            return
        }
        trouble = (words, trouble?.since ?? now)
    }

    /// Takes note of an error that a client was told: what is known of a server without connections of ours.
    func noteError(_ words: String, isDown: Bool, now: Int64) {
        errors.note(words, now: now)
        guard upstream == nil else { return }
        trouble = (words, trouble?.since ?? now)
        isUnreachable = isDown
    }

    /// How it does; `now` is in microseconds since 1970.
    func health(now: Int64) -> ServerHealth {
        func health(_ state: ServerHealth.State, since: Int64?, error: String? = nil) -> ServerHealth {
            ServerHealth(alias: alias, state: state, since: since, error: error, errors: errors)
        }
        guard let known = upstream?.health else {
            guard let trouble else { return health(.up, since: nil) }
            return health(isUnreachable ? .down : .degraded, since: trouble.since, error: trouble.words)
        }
        let since = known.since.map { now - max(0, (NIODeadline.now() - $0).nanoseconds) / 1000 }
        switch known.state {
        case .up:
            guard let trouble else { return health(.up, since: since) }
            return health(.degraded, since: trouble.since, error: trouble.words)
        case .degraded: return health(.degraded, since: since, error: known.lastFailure?.message)
        case .down: return health(.down, since: since, error: known.lastFailure?.message)
        }
    }

    /// Has the metrics show how it does.
    func showHealth(now: Int64) { metrics.show(health(now: now).state) }
}
