internal import Contract
internal import StrictJSON
internal import Synchronization

/// How many requests each machine and each token may make, so that one of them cannot keep the writer, or the
/// processor, from all others.
///
/// Asked once it is proven who the caller is, so a caller cannot use up another one's; and before anything is stored.
package final class RequestPace: Sendable {
    private let perSecond: Int
    /// As many at once after a rest.
    private let burst: Int
    /// Those at rest are forgotten when there are more.
    private static let mostRemembered = 4096

    /// When all that was let in would have come at the pace, in nanoseconds.
    private let due = Mutex<[String: Int64]>([:])

    /// A pace for requests of every kind: an agent that ships as fast as it can asks some 40 times a second.
    package init(perSecond: Int = 100, burst: Int = 400) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// Lets a request in.
    ///
    /// - Parameters:
    ///   - who: the fingerprint of a key, the id of a token, a person.
    ///   - now: nanoseconds on a clock that does not go back.
    /// - Throws: `Refused`: `too_many_requests`.
    package func enter(_ who: String, now: Int64) throws {
        let step = Int64(1_000_000_000 / perSecond)
        let burst = Int64(burst)
        let isEarly = due.withLock { due in
            if due.count >= Self.mostRemembered, due[who] == nil { due = due.filter { $0.value > now } }
            let next = max(due[who] ?? 0, now) + step
            guard next - now <= step * burst else { return true }
            due[who] = next
            return false
        }
        guard !isEarly else { throw Refused.tooManyRequests(perSecond) }
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
