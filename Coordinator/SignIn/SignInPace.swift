internal import Addresses
internal import Bytes
internal import Contract
internal import Fleet
package import ServiceKit

/// How often it may be tried to sign in: failures are counted by address, sign-ins by person.
///
/// Failures alone: a whole office may come from one address on a Monday morning.
package final class SignInPace: Sendable {
    private let failures = RequestPace(perMinute: 10, burst: 20)
    private let people = RequestPace(perMinute: 6, burst: 12)
    private let clock: MachineClock

    /// Nobody has tried yet.
    package init(clock: MachineClock) { self.clock = clock }

    /// Runs an attempt to sign in, and counts it where it fails.
    ///
    /// - Parameters:
    ///   - address: where it comes from, as text.
    ///   - attempt: what is tried.
    /// - Returns: what the attempt returns.
    /// - Throws: `Refused`: `sign_in_pace`; what the attempt throws.
    package func attempt<Result>(
        from address: String,
        _ attempt: () async throws -> Result
    ) async throws -> Result {
        let who = Self.neighbourhood(address)
        guard failures.admits(who, now: clock.boot(), counts: false) else { throw Refused.signInPace }
        do {
            return try await attempt()
        } catch let refused as Refused {
            _ = failures.admits(who, now: clock.boot())
            throw refused
        }
    }

    /// Counts a sign-in of a person; throws `Refused`, `sign_in_pace`, where there were too many.
    package func enter(_ sub: String) throws {
        guard people.admits(sub, now: clock.boot()) else { throw Refused.signInPace }
    }

    /// What one person has of the internet: an IPv4 address, or a /64 of IPv6 (RFC 6177).
    private static func neighbourhood(_ address: String) -> String {
        guard let bytes = IPAddress(literal: address)?.bytes, bytes.count == 16 else { return address }
        return Base64.url(bytes.prefix(8))
    }
}
