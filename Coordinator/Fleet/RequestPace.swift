internal import Contract
internal import StrictJSON
internal import Synchronization

/// How many requests each machine and each token may make, so that one of them cannot keep the writer, or the
/// processor, from all others.
///
/// Asked once it is proven who the caller is, so a caller cannot use up another one's; and before anything is stored.
package final class RequestPace: Sendable {
    /// The time between two requests that come evenly, in nanoseconds.
    private let step: Int64
    /// As many at once after a rest.
    private let burst: Int64
    /// Those at rest are forgotten when there are more.
    private static let mostRemembered = 4096

    /// When all that was let in would have come at the pace, in nanoseconds.
    private let due = Mutex<[String: Int64]>([:])

    /// A pace for requests of every kind: an agent that ships as fast as it can asks some 40 times a second.
    package init(perSecond: Int = 100, burst: Int = 400) {
        step = Int64(1_000_000_000 / perSecond)
        self.burst = Int64(burst)
    }

    /// A pace for what is rare.
    package init(perMinute: Int, burst: Int) {
        step = Int64(60_000_000_000 / perMinute)
        self.burst = Int64(burst)
    }

    /// Lets a request in.
    ///
    /// - Parameters:
    ///   - who: the fingerprint of a key, the id of a token, a person.
    ///   - now: nanoseconds on a clock that does not go back.
    /// - Throws: `Refused`: `too_many_requests`.
    package func enter(_ who: String, now: Int64) throws {
        guard admits(who, now: now) else { throw Refused.tooManyRequests(Int(1_000_000_000 / step)) }
    }

    /// Whether a request is let in; one that is not leaves no trace.
    ///
    /// - Parameters:
    ///   - who: whose request.
    ///   - now: nanoseconds on a clock that does not go back.
    ///   - counts: whether it is counted where it is let in; without it, this is a look.
    /// - Returns: whether it is let in.
    package func admits(_ who: String, now: Int64, counts: Bool = true) -> Bool {
        due.withLock { due in
            if due.count >= Self.mostRemembered, due[who] == nil { due = due.filter { $0.value > now } }
            let next = max(due[who] ?? 0, now) + step
            guard next - now <= step * burst else { return false }
            if counts { due[who] = next }
            return true
        }
    }
}

extension Refused {
    static func tooManyRequests(_ perSecond: Int) -> Refused {
        Refused(
            "too_many_requests",
            "At most \(perSecond) of this kind are answered in a second.",
            members: ["retry_after": 1]
        )
    }
}
