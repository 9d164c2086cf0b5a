internal import Bytes
internal import Contract
internal import Fetch
internal import StrictJSON

/// Reads registries that speak the official Registry API, each page within bounds: whoever runs one may be anybody.
struct UpstreamClient: Sendable {
    let fetcher: Fetcher
    let credentials: UpstreamCredentials

    /// What one registry has said.
    struct Answer {
        var servers: [UpstreamServer] = []
        /// How many could not be taken, and the first of them with what is wrong.
        var skipped = 0
        var problems: [FieldProblem] = []

        fileprivate mutating func skip(_ name: String, _ error: ShapeError) {
            skipped += 1
            guard problems.count < UpstreamClient.mostProblems else { return }
            problems.append(
                FieldProblem([name, error.place].filter { !$0.isEmpty }.joined(separator: ": "), error.why)
            )
        }
    }

    private static let pageSize = 100
    private static let mostPages = 1_000
    private static let largestPage = 8 << 20
    private static let mostServers = 5_000
    private static let mostBytes = 32 << 20
    fileprivate static let mostProblems = 20
    private static let redirects = 3

    /// All servers of a registry, in their newest versions.
    ///
    /// - Parameters:
    ///   - upstream: the registry.
    ///   - since: only what has changed since, in seconds since 1970; nil: all of it.
    ///   - time: how long it may take.
    /// - Returns: those that are taken.
    /// - Throws: `UpstreamFailure`; `CancellationError`.
    func servers(of upstream: UpstreamSetting, since: Int?, within time: Duration) async throws -> Answer {
        let deadline = ContinuousClock.now + time
        var collected = Collected(upstream)
        var cursor: String?
        var cursors: Set<String> = []
        for _ in 0..<Self.mostPages {
            let page = try await page(of: upstream, since: since, cursor: cursor, until: deadline)
            guard let servers = page["servers"]?.array else {
                throw UpstreamFailure("It answers something else than a list of servers.", next: Self.checkURL)
            }
            for server in servers { try collected.take(server) }
            guard let next = page["metadata"]?["nextCursor"]?.text, !next.isEmpty else { return collected.answer() }
            guard !servers.isEmpty, next.utf8.count <= 4096, cursors.insert(next).inserted else {
                throw UpstreamFailure("Its pages have no end.", next: Self.checkURL)
            }
            cursor = next
        }
        throw UpstreamFailure("It has more than \(Self.mostPages) pages.", next: Self.checkURL)
    }

    /// One document by its own URL; throws `UpstreamFailure`.
    func document(_ upstream: UpstreamSetting, within time: Duration) async throws -> JSONValue {
        // Places where files lie say of all of them that they are text.
        try await json(upstream.url, of: upstream, until: .now + time, isAnyType: true)
    }

    private static let checkURL = "Give the URL of a registry, such as https://registry.modelcontextprotocol.io"

    private func page(
        of upstream: UpstreamSetting,
        since: Int?,
        cursor: String?,
        until deadline: ContinuousClock.Instant
    ) async throws -> JSONValue {
        var query = [("version", "latest"), ("limit", "\(Self.pageSize)")]
        if let since { query.append(("updated_since", UTCTime(seconds: since).shortText)) }
        if let cursor { query.append(("cursor", cursor)) }
        return try await json("\(upstream.url)/v0.1/servers?\(FormBody.query(query))", of: upstream, until: deadline)
    }

    private func json(
        _ url: String,
        of upstream: UpstreamSetting,
        until deadline: ContinuousClock.Instant,
        isAnyType: Bool = false
    ) async throws -> JSONValue {
        var request = FetchRequest("GET", url, headers: [("Accept", "application/json")])
        request.timeout = min(.seconds(30), deadline - .now)
        request.maxBytes = Self.largestPage
        request.addresses = upstream.addresses
        request.redirects = Self.redirects
        request.caPEM = upstream.authorities
        if let token = try credentials.token(for: url) { request.headers.append(("Authorization", "Bearer \(token)")) }
        let response: FetchResponse
        do {
            response = try await fetcher.fetch(request)
        } catch let error as FetchError {
            if error.kind == .cancelled || error.kind == .stopped { throw CancellationError() }
            throw UpstreamFailure("It cannot be asked: \(error.message).", next: error.next)
        }
        switch response.status / 100 {
        case 2: break
        case 4 where [1, 3].contains(response.status % 100):
            throw UpstreamFailure("It answers \(response.status).", next: credentials.advice(for: url))
        default: throw UpstreamFailure("It answers \(response.status).")
        }
        guard isAnyType || response.mediaType == "application/json" || response.mediaType?.hasSuffix("+json") == true
        else {
            throw UpstreamFailure("It answers something else than JSON.", next: Self.checkURL)
        }
        do {
            return try JSONValue(parsing: response.body, limits: JSONLimits(maxBytes: Self.largestPage, maxDepth: 32))
        } catch {
            throw UpstreamFailure("Its answer cannot be read in one way only: \(error.description).")
        }
    }

    /// The servers of all pages, each name once.
    private struct Collected {
        private let upstream: UpstreamSetting
        private var result = Answer()
        private var byName: [String: UpstreamServer] = [:]
        /// Names that stand for more than one document: none of them is taken.
        private var ambiguous: Set<String> = []
        private var bytes = 0

        init(_ upstream: UpstreamSetting) { self.upstream = upstream }

        mutating func take(_ json: JSONValue) throws {
            let name = UpstreamServer.name(json) ?? ""
            guard upstream.takes(name) else { return }
            let server: UpstreamServer
            do {
                server = try UpstreamServer(json)
            } catch let error as ShapeError {
                return result.skip(ServerName.isValid(name) ? name : "a server", error)
            }
            let key = name.lowercased()
            if let other = byName[key] {
                guard server.document != other.document || !server.name.utf8.elementsEqual(other.name.utf8) else {
                    return
                }
                // A registry that lists all versions says which is the newest.
                switch (server.isLatest, other.isLatest) {
                case (true, false): break
                case (false, true): return
                default:
                    ambiguous.insert(key)
                    return
                }
            }
            bytes += json.bytes.count
            byName[key] = server
            guard byName.count <= UpstreamClient.mostServers, bytes <= UpstreamClient.mostBytes else {
                throw UpstreamFailure(
                    "It has more servers than are taken of one registry.",
                    next: "Say which ones are taken: --only 'io.github.example/*'"
                )
            }
        }

        func answer() -> Answer {
            var answer = result
            for key in ambiguous.sorted() {
                answer.skip(byName[key]?.name ?? key, ShapeError("name", "stands for more than one document"))
            }
            answer.servers = byName.filter { !ambiguous.contains($0.key) }.map(\.value).sorted { $0.name < $1.name }
            return answer
        }
    }
}
