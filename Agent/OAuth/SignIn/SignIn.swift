internal import Bytes
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// One sign-in under way: the authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 8252).
package final class SignIn: Sendable {
    /// What the user opens in a browser.
    package let authorizationURL: String
    private let completion: SignInEnd
    private let redirect: LoopbackRedirect

    /// How long the user may take.
    private static let patience = Duration.seconds(300)

    /// Finds out where to sign in, binds the address that the browser comes back to, and waits for it.
    ///
    /// - Parameters:
    ///   - server: whose users sign in.
    ///   - secret: that of the client which was registered beforehand, for the authorization server that is found.
    ///   - fetcher: for metadata, registration and tokens.
    ///   - isOwn: whether the other end of a connection belongs to this user.
    ///   - now: tells the time in seconds since 1970.
    ///   - admit: stores what came, or records why nothing did.
    /// - Throws: `OAuthError`.
    init(
        _ server: ProtectedServer,
        secret: @escaping @Sendable (AuthorizationServer) -> String?,
        fetcher: Fetcher,
        isOwn: @escaping @Sendable (Int32) -> Bool,
        now: @escaping @Sendable () -> Int,
        admit: @escaping @Sendable (Result<Grant, any Error>) async -> Result<Void, OAuthError>
    ) async throws {
        let found = try await Discovery(of: server, fetcher: fetcher).find()
        let redirect = try LoopbackRedirect(port: server.redirectPort, isOwn: isOwn)
        let client: RegisteredClient
        do {
            client = try await Self.client(server, secret(found.server), found, redirect.url, fetcher)
        } catch {
            redirect.close()
            throw error
        }
        let flow = AuthorizationFlow(
            server: server,
            found: found,
            client: client,
            pkce: PKCE(random: Randomness.bytes(32)),
            state: Base64.url(Randomness.bytes(24)),
            redirect: redirect.url,
            fetcher: fetcher
        )
        authorizationURL = flow.url
        self.redirect = redirect
        redirect.open { flow.isAnswer($0) }
        let completion = SignInEnd()
        self.completion = completion
        // Unstructured, because the browser comes back to the agent even when the command that asked for the sign-in
        // has gone.
        Task {
            let query = await Deadline.cancelling(after: Self.patience) { await redirect.wait() }
            let answer: Result<Grant, any Error>
            do {
                answer = .success(try await flow.finish(query, now: now))
            } catch {
                answer = .failure(error)
            }
            completion.set(await admit(answer))
        }
    }

    /// Waits until the tokens are stored, five minutes at most and the time for storing them.
    ///
    /// - Throws: `OAuthError`; `CancellationError` where the waiting task was cancelled, and the sign-in goes on.
    package func wait() async throws {
        guard let result = await completion.wait() else { throw CancellationError() }
        try result.get()
    }

    /// Gives up; the callers that wait are told.
    package func cancel() {
        redirect.close()
    }

    private static func client(
        _ server: ProtectedServer,
        _ secret: String?,
        _ found: Discovery.Found,
        _ redirect: String,
        _ fetcher: Fetcher
    ) async throws -> RegisteredClient {
        if let id = server.clientID {
            return RegisteredClient(id: id, secret: secret, method: found.server.method(withSecret: secret != nil))
        }
        return try await Registration(fetcher: fetcher).register(
            at: found.server,
            redirect: redirect,
            scopes: found.scopes,
            addresses: server.addresses,
            authorities: server.ownAuthorities
        )
    }
}
