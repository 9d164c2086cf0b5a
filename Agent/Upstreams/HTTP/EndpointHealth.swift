package import NIOCore
internal import ServiceKit

/// What is known of a server from the exchanges with it, with the circuit breaker that spares clients the waiting for
/// one that is down.
///
/// Pure: time and chance are arguments.
package struct EndpointHealth: Sendable {
    /// What users are shown.
    package enum State: String, Sendable {
        /// It answers, or was never asked.
        case up
        /// It can be connected to, and the last exchange failed nevertheless.
        case degraded
        /// The last attempt to connect failed.
        case down
    }

    package private(set) var state = State.up
    /// Since when it is so; nil before the first change.
    package private(set) var since: NIODeadline?
    /// The latest failure, also after it is up again.
    package private(set) var lastFailure: UpstreamError?

    private var failures = 0
    private var backoff: Backoff
    private var pausedUntil: NIODeadline?
    private var isProbing = false
    private let failuresBeforePause: Int

    init(_ configuration: UpstreamConfiguration) {
        failuresBeforePause = configuration.failuresBeforePause
        backoff = Backoff(first: configuration.firstPause, longest: configuration.longestPause)
    }

    /// Whether a new connection would be refused now without an attempt.
    package func refuses(at now: NIODeadline) -> Bool {
        guard let pausedUntil else { return false }
        return isProbing || now < pausedUntil
    }

    /// Asks to make a connection: false during a pause, true once after it, for the probe that ends or renews it.
    mutating func admitsConnection(at now: NIODeadline) -> Bool {
        if refuses(at: now) { return false }
        isProbing = pausedUntil != nil
        return true
    }

    /// A connection is established.
    mutating func connected(at now: NIODeadline) {
        failures = 0
        backoff.reset()
        pausedUntil = nil
        isProbing = false
        if state == .down { change(to: .up, at: now) }
    }

    /// A connection was given up before it said anything: the request that it was for has gone, or this machine had no
    /// room for it, so the next one may try.
    mutating func connectAbandoned() {
        isProbing = false
    }

    /// A connection did not come about; `chance` is in 0..<1 and lengthens the pause from half on.
    mutating func connectFailed(_ error: UpstreamError, at now: NIODeadline, chance: Double) {
        lastFailure = error
        failures += 1
        isProbing = false
        if failures >= failuresBeforePause { pausedUntil = now + TimeAmount(backoff.failed(chance: chance)) }
        change(to: .down, at: now)
    }

    /// Another user's program listens where the server should: asking again costs nothing and sends nothing, so there is no
    /// pause.
    mutating func connectedToStranger(_ error: UpstreamError, at now: NIODeadline) {
        lastFailure = error
        isProbing = false
        change(to: .down, at: now)
    }

    /// An exchange ended as it should.
    mutating func exchangeEnded(at now: NIODeadline) {
        if state == .degraded { change(to: .up, at: now) }
    }

    /// An exchange failed once its request had left.
    mutating func exchangeFailed(_ error: UpstreamError, at now: NIODeadline) {
        lastFailure = error
        if state == .up { change(to: .degraded, at: now) }
    }

    private mutating func change(to state: State, at now: NIODeadline) {
        guard self.state != state else { return }
        self.state = state
        since = now
    }
}
