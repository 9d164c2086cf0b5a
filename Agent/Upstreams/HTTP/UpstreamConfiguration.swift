package import NIOCore

/// The bounds of connections to one server.
package struct UpstreamConfiguration: Sendable {
    /// How long resolving, connecting, the proxy and TLS may take together.
    package var connectTimeout = TimeAmount.seconds(10)
    /// How long a connection is kept without use, unless the server says or shows that it keeps it for less.
    package var idleTimeout = TimeAmount.seconds(60)
    /// How many calls run at a time.
    package var maxCalls = 256
    /// How many streams that may stay open for long run at a time, beside the calls.
    package var maxStreams = 256
    /// How many exchanges wait for their turn, of each kind.
    package var maxWaiting = 1024
    /// How long one waits for its turn.
    package var waitTimeout = TimeAmount.seconds(10)
    /// How many failures to connect in a row open the circuit breaker.
    package var failuresBeforePause = 3
    /// The first pause of the circuit breaker; each further one is twice as long.
    package var firstPause = TimeAmount.milliseconds(250)
    /// The longest pause.
    package var longestPause = TimeAmount.seconds(5)
    /// The longest response head, in bytes.
    package var maxHeadBytes = 65536

    /// A PEM file of authorities that are trusted beside the system's own.
    package var authoritiesFile: String?

    package init() {}
}

/// The kinds of exchange that are counted apart, so that streams never take the place of calls.
package enum ExchangeLane: Int, CaseIterable, Sendable {
    /// A request whose response is expected to end.
    case call
    /// A GET stream or a subscription, which lasts as long as somebody listens.
    case stream
}
