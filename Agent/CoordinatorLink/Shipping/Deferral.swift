internal import Contract
internal import Fetch
internal import ServiceKit

/// The coordinator takes nothing for now: this machine sends too much, or it has no room.
///
/// What was sent was not stored, or that is not known. It stays here, and is sent again.
struct Deferral: Error, Equatable {
    let status: Int
    /// How long it asks to be left alone; nil where it does not say.
    let wait: Duration?
    /// Why, for people.
    let words: String

    private static let statuses: Set<Int> = [429, 503, 507]
    /// The longest wait that is granted: a mistake must not stop the shipping for days.
    static let longest = Duration.seconds(3600)

    /// What an answer asks for; nil if it is another one.
    ///
    /// - Parameters:
    ///   - response: The answer.
    ///   - now: Seconds since 1970 by the coordinator's clock.
    init?(_ response: FetchResponse, now: Int) {
        guard Self.statuses.contains(response.status) else { return nil }
        status = response.status
        let value = response.header("retry-after")
        let seconds = value.flatMap { Int($0) ?? HTTPDate.seconds($0).map { $0 - now } }
        wait = seconds.map { min(.seconds(max(0, min($0, 1 << 30))), Self.longest) }
        let detail = CoordinatorAnswer.problem(response)?.detail ?? ""
        words = detail.isEmpty ? "it answered \(response.status)" : detail
    }
}
