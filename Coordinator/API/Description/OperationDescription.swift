internal import StrictJSON

/// What an operation does, for whoever writes a client.
struct OperationDescription: Sendable {
    /// What is sent or answered.
    enum Content: Sendable {
        /// A document.
        case json(Schema)
        /// A document that a request may leave out.
        case optional(Schema)
        /// Bytes of one of these media types.
        case bytes([String])
        /// Nothing.
        case nothing
    }

    /// Whether the caller says which state it has seen.
    enum Matching: Sendable {
        case never
        /// `If-Match` counts where it is sent.
        case possible
        /// Without it the request is refused.
        case needed
    }

    /// In one sentence.
    let summary: String
    /// The variable segments of the path by name; any text where nothing is said.
    let path: [String: Schema]
    /// The fields of the query.
    let query: [String: Schema]
    let headers: [String: Schema]
    let body: Content
    let matching: Matching
    /// Whether a machine that is not known yet signs it.
    private(set) var isSigned = false
    /// What is answered when it succeeds, by status.
    let answers: [Int: Content]

    /// A description; where nothing is said it takes no body.
    init(
        _ summary: String,
        path: [String: Schema] = [:],
        query: [String: Schema] = [:],
        headers: [String: Schema] = [:],
        body: Content = .nothing,
        matching: Matching = .never,
        answers: [Int: Content]
    ) {
        self.summary = summary
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.matching = matching
        self.answers = answers
    }

    /// The same for one that answers a document with 200.
    init(
        _ summary: String,
        path: [String: Schema] = [:],
        query: [String: Schema] = [:],
        headers: [String: Schema] = [:],
        body: Content = .nothing,
        matching: Matching = .never,
        answer: Schema
    ) {
        self.init(
            summary,
            path: path,
            query: query,
            headers: headers,
            body: body,
            matching: matching,
            answers: [200: .json(answer)]
        )
    }

    /// The same, which a machine signs that is not known yet.
    var signed: OperationDescription {
        var description = self
        description.isSigned = true
        return description
    }

    /// The fields of a query for a page, with those that filter.
    static func page(_ filters: [String: Schema] = [:]) -> [String: Schema] {
        filters.merging(
            ["limit": .integer(1...Paging.most), "cursor": .text(longest: 1000).about("`next` of the page before.")]
        ) { one, _ in one }
    }
}
