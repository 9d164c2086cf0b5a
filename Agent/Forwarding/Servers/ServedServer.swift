internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// One server, with all that its calls share; belongs to the event loop.
final class ServedServer {
    let alias: JSONText
    let endpoint: UpstreamEndpoint
    let upstream: UpstreamServer
    let requestHead: UpstreamRequestHead
    /// Silence after which a call has failed, in nanoseconds.
    let timeout: Int64
    let credential: CredentialTarget?
    let metrics: ServerMetrics
    /// How often its own requests are refused.
    var refusals = RefusalPace()
    /// What it answered last, where that was no answer to the request: the message, and since when in microseconds.
    private var trouble: (words: String, since: Int64)?

    init(_ server: ForwardedServer, upstream: UpstreamServer, userAgent: String, metrics: ServerMetrics) {
        alias = server.alias
        endpoint = server.endpoint
        self.upstream = upstream
        requestHead = UpstreamRequestHead(server.endpoint, userAgent: userAgent)
        timeout = server.timeout.nanoseconds
        credential = server.credential
        self.metrics = metrics
    }

    /// Whether a call that begins now would go the same way.
    func isSame(as server: ForwardedServer) -> Bool {
        alias == server.alias && endpoint == server.endpoint && timeout == server.timeout.nanoseconds
            && credential == server.credential
    }

    /// Takes note of an answer.
    func noteAnswer(trouble words: String?, now: Int64) {
        guard let words else {
            if trouble != nil { trouble = nil }
            return
        }
        trouble = (words, trouble?.since ?? now)
    }

    /// How it does; `now` is in microseconds since 1970.
    func health(now: Int64) -> ServerHealth {
        let known = upstream.health
        let since = known.since.map { now - max(0, (NIODeadline.now() - $0).nanoseconds) / 1000 }
        switch known.state {
        case .up:
            guard let trouble else { return ServerHealth(alias: alias, state: .up, since: since, error: nil) }
            return ServerHealth(alias: alias, state: .degraded, since: trouble.since, error: trouble.words)
        case .degraded:
            return ServerHealth(alias: alias, state: .degraded, since: since, error: known.lastFailure?.message)
        case .down:
            return ServerHealth(alias: alias, state: .down, since: since, error: known.lastFailure?.message)
        }
    }
}
