internal import Bytes
internal import Crypto
internal import Synchronization

/// Who has the page open: links that open it once, and the browsers that have followed one.
///
/// In memory alone, and of cookies only their hashes: they end with the agent.
final class PageVisits: Sendable {
    /// One browser.
    struct Visit: Sendable, Equatable {
        /// What its forms send along: another page of this machine cannot know it.
        let token: String
    }

    private struct State {
        /// The hashes of links that nobody has followed, and until when, in nanoseconds since the machine started.
        var links: [(hash: [UInt8], end: Int64)] = []
        var visits: [(hash: [UInt8], visit: Visit, end: Int64)] = []
    }

    /// A link is followed at once, by the browser that the command starts.
    static let linkSeconds: Int64 = 60
    /// A working day.
    static let visitSeconds: Int64 = 12 * 3600
    /// Of both; the oldest gives way.
    private static let most = 16

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: nanoseconds since the machine started, sleep included.
    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// Makes what opens the page once.
    func makeLink() -> String {
        let secret = Self.secret()
        let end = now() + Self.linkSeconds * 1_000_000_000
        state.withLock { state in
            state.links.append((Self.hash(secret), end))
            if state.links.count > Self.most { state.links.removeFirst() }
        }
        return secret
    }

    /// Follows a link, which opens nothing a second time: the value of a new cookie; nil for a link that is not one.
    func follow(_ link: String) -> String? {
        let (hash, now) = (Self.hash(link), now())
        let secret = Self.secret()
        return state.withLock { state in
            state.links.removeAll { $0.end <= now }
            guard let index = state.links.firstIndex(where: { Self.isEqual($0.hash, hash) }) else { return nil }
            state.links.remove(at: index)
            let end = now + Self.visitSeconds * 1_000_000_000
            state.visits.append((Self.hash(secret), Visit(token: Self.secret()), end))
            if state.visits.count > Self.most { state.visits.removeFirst() }
            return secret
        }
    }

    /// Whose cookie this is; nil for nobody's, and for one that is over.
    func visit(of cookie: String) -> Visit? {
        let (hash, now) = (Self.hash(cookie), now())
        return state.withLock { state in
            state.visits.removeAll { $0.end <= now }
            return state.visits.first { Self.isEqual($0.hash, hash) }?.visit
        }
    }

    /// Ends one.
    func end(_ cookie: String) {
        let hash = Self.hash(cookie)
        state.withLock { $0.visits.removeAll { Self.isEqual($0.hash, hash) } }
    }

    /// Whether two texts are the same, in a time that does not tell where they differ.
    static func isEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// 256 random bits.
    private static func secret() -> String { RandomID().description + RandomID().description }

    private static func hash(_ secret: String) -> [UInt8] { Array(SHA256.hash(data: Array(secret.utf8))) }
}
