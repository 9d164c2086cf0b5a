package import NIOCore

/// The bounds of connections to one server.
package struct UpstreamConfiguration: Sendable {
    /// How long resolving, connecting, the proxy and TLS may take together.
    package var connectTimeout = TimeAmount.seconds(10)
    /// How long a connection is kept without use, unless the server says or shows that it keeps it for less.
    package var idleTimeout = TimeAmount.seconds(60)
    /// How long one is kept where the server does not say: many close after five seconds and say nothing of it.
    package var silentIdleTimeout = TimeAmount.seconds(4)
    /// How many calls run at a time; one client may have three quarters of them, and half of the server's connections.
    package var maxCalls = 256
    /// How many streams that may stay open for long run at a time, beside the calls.
    package var maxStreams = 1024
    /// How many of them one client may have.
    package var maxStreamsOfOneClient = 64
    /// How many messages of the agent's own run at a time, beside both.
    package var maxAsides = 16
    /// How many exchanges wait for their turn, of each kind; three quarters of them of one client.
    package var maxWaiting = 1024
    /// How long one waits for its turn.
    package var waitTimeout = TimeAmount.seconds(10)
    /// How many failures to connect in a row open the circuit breaker.
    package var failuresBeforePause = 3
    /// The first pause of the circuit breaker; each further one is twice as long.
    package var firstPause = Duration.milliseconds(250)
    /// The longest pause.
    package var longestPause = Duration.seconds(5)
    /// How long a connection that many share (HTTP/2) may bring nothing that is awaited, before the server is asked for a sign
    /// of life.
    package var maxSilence = TimeAmount.seconds(15)
    /// How long the server may take to give one.
    package var maxPingWait = TimeAmount.seconds(10)
    /// The longest response head, in bytes.
    package var maxHeadBytes = 65536
    /// How many connections rest.
    package var maxResting = 256

    // Over all servers.
    /// How many connections may be open, those that are being made and those that rest included; one server may have half of
    /// them, and so may all streams together, of which one client has three quarters at most.
    package var maxConnections = 4096
    /// How many names are looked up at a time; each takes a thread and a file or two.
    package var maxLookUps = 64
    /// How a name is looked up.
    package var resolve: ResolveHost = SystemNames.addresses

    /// A PEM file of authorities that are trusted beside the system's own.
    package var authoritiesFile: String?

    package init() {}
}

/// The kinds of exchange that are counted apart, so that none of them takes the place of another.
package enum ExchangeLane: Int, CaseIterable, Sendable {
    /// A request whose response is expected to end.
    case call
    /// A GET stream or a subscription, which lasts as long as a client listens.
    case stream
    /// A message that the agent itself has to say, which no client's calls and streams may hold up.
    case aside
}
