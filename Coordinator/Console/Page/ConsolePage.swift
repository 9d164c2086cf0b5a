package import Rights

/// One page of the console, or what one of its forms does.
///
/// There is no way to make one without the right that it needs, and what it does is given the caller's permit for that:
/// a page can do nothing that the caller cannot do with the API.
package struct ConsolePage: Sendable {
    /// `GET`, or `POST` for what a form does.
    package let method: String
    /// The path, with its variable segments in braces.
    package let path: String
    package let right: Right
    /// The names that its query may have.
    package let query: Set<String>
    /// The largest form in bytes; 0 for a page.
    package let largestForm: Int
    private let run: @Sendable (Visit) async throws -> PageAnswer

    /// Enough for every form but that of the policy.
    static let usualForm = 64 << 10

    init<Kind: RightKind>(
        _ method: String,
        _ path: String,
        for kind: Kind.Type,
        query: Set<String> = [],
        largestForm: Int = ConsolePage.usualForm,
        answer: @escaping @Sendable (Visit, Permit<Kind>) async throws -> PageAnswer
    ) {
        self.method = method
        self.path = path
        right = kind.right
        self.query = query.union(["done"])
        self.largestForm = method == "GET" ? 0 : largestForm
        run = { visit in try await answer(visit, try visit.caller.permit()) }
    }

    /// What the page shows, or the form does.
    ///
    /// - Throws: `Refused` and what the domain throws; what a form can show itself it does not throw.
    package func answer(_ visit: Visit) async throws -> PageAnswer { try await run(visit) }
}
