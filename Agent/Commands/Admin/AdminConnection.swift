internal import AgentState
internal import Bytes
internal import Contract
internal import CoordinatorLink
internal import Fetch
internal import StrictJSON

/// Asks the coordinator's web API as this user.
struct AdminConnection {
    private let client: CoordinatorClient

    init(_ context: CommandContext) async throws {
        client = try await CoordinatorClient.signedIn(
            as: try context.membership(),
            secrets: context.secrets,
            fetcher: context.fetcher
        )
    }

    /// Sends one request; the answer may have any status, and a good one goes into the file, where there is one.
    func send(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration = .seconds(30),
        maxBytes: Int = 8 << 20,
        into file: Int32? = nil
    ) async throws -> FetchResponse {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return try await client.request(
            method: method,
            path: String(parts[0]),
            query: parts.count > 1 ? String(parts[1]) : "",
            headers: headers,
            body: body,
            timeout: timeout,
            maxBytes: maxBytes,
            into: file
        )
    }

    /// Sends one request that must succeed, and reads its JSON; throws the coordinator's `Problem`.
    func json(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        let response = try await send(
            method,
            path,
            headers: body == nil ? [] : [("Content-Type", "application/json")],
            body: body?.bytes,
            timeout: timeout
        )
        try Self.check(response)
        guard !response.body.isEmpty else { return .object(JSONObject()) }
        return try JSONValue(parsing: response.body, limits: .reply)
    }

    /// Reads a list to its end, page by page.
    ///
    /// - Parameters:
    ///   - path: Without a query.
    ///   - query: What is asked for beside the page.
    ///   - member: The member that has the elements.
    /// - Returns: The answer to the first page, with the elements of all pages.
    /// - Throws: the coordinator's `Problem`.
    func list(_ path: String, _ query: [(String, String)] = [], _ member: JSONText) async throws -> JSONValue {
        var elements: [JSONValue] = []
        var first: JSONObject?
        var cursor: String?
        repeat {
            let fields = query + [("limit", "1000")] + (cursor.map { [("cursor", $0)] } ?? [])
            let page = try await json("GET", "\(path)?\(FormBody.query(fields))")
            first = first ?? page.object
            elements += page[member]?.array ?? []
            cursor = page["next"]?.text
        } while cursor != nil
        var answer = first ?? JSONObject()
        answer[member] = .array(elements)
        answer["next"] = nil
        return .object(answer)
    }

    /// Throws the problem that a response tells of.
    static func check(_ response: FetchResponse) throws {
        guard !(200..<300).contains(response.status) else { return }
        if let json = try? JSONValue(parsing: response.body), let problem = Problem(json) { throw problem }
        throw CommandFailure(
            "coordinator_answer",
            "The coordinator answered \(response.status).",
            next: "doorward status"
        )
    }
}

extension CommandContext {
    /// Runs `body` with a connection as this user.
    func asAdmin<Answer>(_ body: (AdminConnection) async throws -> Answer) async throws -> Answer {
        try await body(try await AdminConnection(self))
    }
}
