internal import ServiceKit

/// A grant in memory, with what the data path asks of it worked out beforehand.
///
/// Times are of the machine's own clock: once a token is here, a wall clock that jumps makes it neither older nor younger.
struct HeldGrant: Sendable {
    let grant: Grant
    let token: AccessToken
    /// When to renew, and when the token is of no more use: nanoseconds since the machine started.
    private let due: Int64?
    private let end: Int64?

    /// Takes a grant at a time: `wall` in seconds since 1970, `boot` in nanoseconds since the machine started.
    init(_ grant: Grant, wall: Int, boot: Int64) {
        self.grant = grant
        token = grant.token
        due = grant.renewal.map { boot + Int64($0 - wall) * 1_000_000_000 }
        end = grant.expires.map { boot + Int64($0 - wall) * 1_000_000_000 }
    }

    func isDue(at boot: Int64) -> Bool { due.map { boot >= $0 } ?? false }

    func isOver(at boot: Int64) -> Bool { end.map { boot >= $0 } ?? false }

    /// What there is to be told.
    func state(at boot: Int64) -> TokenState {
        guard isDue(at: boot) else { return .ready(token) }
        if grant.refreshToken != nil { return .stale(credential: grant.credential) }
        return isOver(at: boot) ? .needsSignIn : .ready(token)
    }
}

/// How long a server is left alone after renewals that came to nothing.
struct Pause: Sendable {
    /// Who was in the way.
    enum Cause: Sendable {
        case server
        /// The keyring is locked.
        case locked
        /// The keyring cannot be used.
        case keyring
    }

    private(set) var cause = Cause.server
    private var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
    /// Nanoseconds since the machine started.
    private var end: Int64 = 0

    func isOver(at boot: Int64) -> Bool { boot >= end }

    /// After a renewal that failed: 1 s, 2 s, 4 s, at most a minute; or what the server asks for, at most five minutes.
    mutating func extend(at boot: Int64, asked: Int?, jitter: Double) {
        cause = .server
        end = boot + max(backoff.failed(chance: jitter), .seconds(min(asked ?? 0, 300))).nanoseconds
    }

    /// After a keyring that did not do its part: it may be opened any moment.
    mutating func extendShortly(at boot: Int64, because cause: Cause) {
        self.cause = cause
        end = boot + 2_000_000_000
    }
}

/// Bounds how often a server can have tokens renewed by refusing them.
struct RejectionLimit: Sendable {
    private static let most = 10
    private static let window: Int64 = 60 * 1_000_000_000
    private var times: [Int64] = []

    /// Whether one more is allowed at this time, in nanoseconds since the machine started.
    mutating func allows(at boot: Int64) -> Bool {
        times.removeAll { $0 <= boot - Self.window }
        return times.count < Self.most
    }

    /// Counts a renewal that came about.
    mutating func count(at boot: Int64) { times.append(boot) }
}

/// Renewals that a token endpoint has refused without saying why, one after the other.
struct WordlessRefusals: Sendable {
    private static let most = 3
    private static let span: Int64 = 120 * 1_000_000_000
    private var count = 0
    private var first: Int64 = 0

    /// Counts one more, and tells whether there have been three over two minutes.
    ///
    /// A server in trouble would have said something else by then.
    ///
    /// - Parameter boot: nanoseconds since the machine started.
    /// - Returns: whether the grant has to be taken for dead.
    mutating func isFinal(at boot: Int64) -> Bool {
        if count == 0 { first = boot }
        count += 1
        return count >= Self.most && boot - first >= Self.span
    }
}
