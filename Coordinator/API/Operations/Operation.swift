internal import Contract
internal import Rights
internal import SignIn

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
    /// Whether it makes something, and so takes an `Idempotency-Key`.
    package private(set) var isMaking = false
    /// Whether it belongs to an API that others have laid down, for clients that others have made.
    package private(set) var isPublished = false
    /// Whether it answers a person in a browser, to whom a problem is shown as a page.
    package private(set) var isPage = false
    let answer: @Sendable (Call) async throws -> Answer

    /// What the operations have that ask for no proof.
    enum Anybody { case anonymous }
    /// What the operations have that enrolled machines use for themselves.
    enum Machines { case agent }
    /// What the operations have that a browser uses for its own session.
    enum Browsers { case browser }

    /// An operation of a caller with a right.
    ///
    /// - Parameters:
    ///   - method: The method in capitals.
    ///   - path: The path, with its variable segments in braces.
    ///   - kind: The right that it needs: `Right.EditPolicy.self`.
    ///   - largestBody: The largest body that is read, in bytes; where nothing is said, what looks or takes away has none.
    ///   - query: The names that its query may have; another one is refused before anything is done.
    ///   - answer: What happens, with the caller's permit for what the domain does; an error that it throws becomes a
    ///     problem.
    init<Kind: RightKind>(
        _ method: String,
        _ path: String,
        for kind: Kind.Type,
        largestBody: Int? = nil,
        query: Set<String> = [],
        answer: @escaping @Sendable (Call, Permit<Kind>) async throws -> Answer
    ) {
        self.init(method, path, .right(kind.right), largestBody, query) { call in
            try await answer(call, try call.caller().permit())
        }
    }

    /// An operation of a caller with a right, and of anybody where `isOpen` says so.
    ///
    /// - Parameters:
    ///   - method: The method in capitals.
    ///   - path: The path, with its variable segments in braces.
    ///   - kind: The right that it needs.
    ///   - isOpen: Whether it is answered without a proof; asked each time.
    ///   - query: The names that its query may have.
    ///   - answer: What happens, with the caller's permit; nil for anybody.
    init<Kind: RightKind>(
        _ method: String,
        _ path: String,
        for kind: Kind.Type,
        orAnybodyWhere isOpen: @escaping @Sendable () async throws -> Bool,
        query: Set<String> = [],
        answer: @escaping @Sendable (Call, Permit<Kind>?) async throws -> Answer
    ) {
        self.init(method, path, .published(kind.right), nil, query) { call in
            if call.whoever == nil, try await isOpen() { return try await answer(call, nil) }
            return try await answer(call, try call.caller().permit())
        }
    }

    /// An operation of an enrolled machine, for itself, whatever its person may do.
    init(
        _ method: String,
        _ path: String,
        for _: Machines,
        largestBody: Int? = nil,
        query: Set<String> = [],
        answer: @escaping @Sendable (Call, CallingMachine) async throws -> Answer
    ) {
        self.init(method, path, .agent, largestBody, query) { call in
            try await answer(call, try call.caller().machine())
        }
    }

    /// An operation of a person in a browser, for the session itself.
    init(
        _ method: String,
        _ path: String,
        for _: Browsers,
        largestBody: Int? = nil,
        query: Set<String> = [],
        answer: @escaping @Sendable (Call, BrowserSession) async throws -> Answer
    ) {
        self.init(method, path, .browser, largestBody, query) { call in
            guard let session = call.session else { throw Refused.sessionEnded }
            return try await answer(call, session)
        }
    }

    /// A page of the console, or one of its forms; the operation reads its query itself.
    init(
        page method: String,
        _ path: String,
        _ right: Right,
        largestBody: Int,
        answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.init(method, path, .right(right), largestBody, Self.foreignQuery, answer)
        isPage = true
    }

    /// An operation of anybody who reaches the coordinator.
    init(
        _ method: String,
        _ path: String,
        for _: Anybody,
        largestBody: Int? = nil,
        query: Set<String> = [],
        answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.init(method, path, .anonymous, largestBody, query, answer)
    }

    private init(
        _ method: String,
        _ path: String,
        _ access: Access,
        _ largestBody: Int?,
        _ query: Set<String>,
        _ answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.largestBody = largestBody ?? (["GET", "DELETE", "OPTIONS"].contains(method) ? 0 : Self.usualBody)
        self.query = query
        self.answer = answer
    }

    /// The same operation, which makes something: sent again with the same `Idempotency-Key` it makes nothing more.
    func making() -> Operation {
        var operation = self
        operation.isMaking = true
        return operation
    }

    /// The same operation as part of an API that others have laid down: fields of the query that mean nothing here are
    /// passed over, a variable segment may have an encoded slash in it, and pages of any origin may read what it answers.
    func published() -> Operation {
        var operation = self
        operation.isPublished = true
        return operation
    }

    /// The query of a page to which others send browsers: it has whatever they write, and the operation reads it itself.
    static let foreignQuery: Set = ["*"]

    /// Enough for every document but policies, entries and logs.
    static let usualBody = 64 << 10

    /// How it is told from the others: `GET /v1/servers`.
    package var name: String { "\(method) \(path)" }
}
