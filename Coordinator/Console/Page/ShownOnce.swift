internal import Bytes
internal import Contract
internal import Synchronization

/// Secrets that were just made, until the page that shows them has been looked at.
///
/// A form that makes one leads to another page, so that loading it again makes no second one. The secret itself is in no
/// address and no database: it is in memory for two minutes at most, and whoever made it can take it once.
final class ShownOnce: Sendable {
    struct Secret: Sendable {
        /// What it is called, or for whom it is.
        let about: String
        let text: String
    }

    private struct Kept: Sendable {
        let secret: Secret
        let sub: String
        let end: Int
    }

    /// In seconds.
    private static let life = 120
    private static let most = 1000

    private let kept = Mutex<[String: Kept]>([:])

    /// Keeps a secret for the person who has made it; returns the id of the page that shows it.
    func keep(_ secret: Secret, for sub: String, now: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        let id = Base64.url((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        kept.withLock { kept in
            kept = kept.filter { $0.value.end > now }
            if kept.count >= Self.most, let first = kept.min(by: { $0.value.end < $1.value.end })?.key {
                kept[first] = nil
            }
            kept[id] = Kept(secret: secret, sub: sub, end: now + Self.life)
        }
        return id
    }

    /// The secret, which is gone then.
    ///
    /// - Throws: `Refused`, `shown_once`: it was shown before, or is another person's.
    func take(_ id: String, by sub: String, now: Int) throws -> Secret {
        let found = kept.withLock { kept -> Kept? in
            guard let found = kept[id], found.sub == sub else { return nil }
            kept[id] = nil
            return found
        }
        guard let found, found.end > now else { throw Refused.shownOnce }
        return found.secret
    }
}

extension Refused {
    fileprivate static let shownOnce = Refused(
        "shown_once",
        "This was shown once, and is not kept.",
        next: "Make a new one if you have not kept it, and take the former back."
    )
}
