/// One thing that can be asked of the coordinator: how it is called, who may, and what then happens.
///
/// There is no way to make one without saying who may use it.
package struct Operation: Sendable {
    /// The method in capitals.
    package let method: String
    /// The path, with its variable segments in braces: `/v1/servers/{alias}`.
    package let path: String
    package let access: Access
    /// The largest body in bytes.
    package let largestBody: Int
    /// The names that its query may have.
    package let query: Set<String>
    let answer: @Sendable (Call) async throws -> Answer

    /// - Parameters:
    ///   - method: The method in capitals.
    ///   - path: The path, with its variable segments in braces.
    ///   - access: Who may use it.
    ///   - largestBody: The largest body that is read, in bytes; where nothing is said, what looks or takes away has none.
    ///   - query: The names that its query may have; another one is refused before anything is done.
    ///   - answer: What happens; an error that it throws becomes a problem.
    init(
        _ method: String,
        _ path: String,
        for access: Access,
        largestBody: Int? = nil,
        query: Set<String> = [],
        answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.largestBody = largestBody ?? (["GET", "DELETE"].contains(method) ? 0 : Self.usualBody)
        self.query = query
        self.answer = answer
    }

    /// Enough for every document but policies, entries and logs.
    static let usualBody = 64 << 10

    /// How it is told from the others: `GET /v1/servers`.
    package var name: String { "\(method) \(path)" }
}
