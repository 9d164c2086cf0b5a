internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// Finds out where a server's users sign in: from its own challenge and metadata, then from the authorization server's.
struct Discovery: Sendable {
    /// What was found.
    struct Found: Sendable {
        let resource: ResourceMetadata
        let server: AuthorizationServer
        /// What to ask for, by the rule of the MCP specification: the entry, else the challenge, else the metadata.
        let scopes: [String]
    }

    private let fetcher: Fetcher
    private let target: ProtectedServer
    /// All of it ends by then.
    private let deadline = ContinuousClock.now + .seconds(25)

    /// The longest document.
    private static let longest = 256 << 10

    init(of target: ProtectedServer, fetcher: Fetcher) {
        self.target = target
        self.fetcher = fetcher
    }

    /// Asks, one place after the other.
    ///
    /// - Throws: `OAuthError`; nothing but metadata has been asked for then.
    func find() async throws -> Found {
        guard let url = WebURL(target.url) else { throw OAuthError(.badMetadata, "The server's URL is none.") }
        let challenge = try await challenge()
        let resource = try await resource(url, challenge)
        let found = try await firstReachable(resource.authorizationServers)
        let scopes = [target.scopes, challenge?.scopes ?? [], resource.scopes].first { !$0.isEmpty } ?? []
        return Found(resource: resource, server: found, scopes: scopes)
    }

    // MARK: The resource

    /// What the server answers to an `initialize` without a token.
    private func challenge() async throws -> BearerChallenge? {
        let hello: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": [
                "protocolVersion": "2025-11-25", "capabilities": [:],
                "clientInfo": ["name": "doorward", "version": "1"],
            ],
        ]
        var request = request("POST", target.url, accept: "application/json, text/event-stream")
        request.headers += [("Content-Type", "application/json"), ("MCP-Protocol-Version", "2025-11-25")]
        request.body = hello.bytes
        let response: FetchResponse
        do {
            response = try await fetcher.fetch(request)
        } catch let error as FetchError {
            // A server that answers at length to a stranger has no challenge; one that cannot be reached is another matter.
            if error.sent == .maybe { return nil }
            throw OAuthError(fetching: "the server", error)
        }
        return response.status == 401 ? BearerChallenge(response.headers("www-authenticate")) : nil
    }

    private func resource(_ url: WebURL, _ challenge: BearerChallenge?) async throws -> ResourceMetadata {
        if let place = challenge?.resourceMetadata {
            try AuthorizationServer.check(place, target.addresses)
            guard let json = try await document(place) else {
                throw OAuthError(.badMetadata, "The server's OAuth metadata is not where its challenge says.")
            }
            return try ResourceMetadata(json, of: url)
        }
        // RFC 9728, 3.1: the well-known part goes between host and path; then the origin's own.
        let name = "/.well-known/oauth-protected-resource"
        for place in Self.unique([name + Self.trimmed(url.path), name]) {
            if let json = try await document(url.origin + place) { return try ResourceMetadata(json, of: url) }
        }
        throw OAuthError(
            .badMetadata,
            "The server does not say where its users sign in (RFC 9728).",
            next: "Ask the server's operator, or register it with --auth none if it needs no sign-in."
        )
    }

    // MARK: The authorization server

    /// The first of the servers that the resource trusts, or the next where that one cannot be reached or is not an
    /// authorization server.
    private func firstReachable(_ issuers: [String]) async throws -> AuthorizationServer {
        var failure: (any Error)?
        for issuer in issuers.prefix(4) {
            do {
                if let server = try await authorizationServer(issuer) { return server }
                failure =
                    failure
                    ?? OAuthError(
                        .badMetadata,
                        "The authorization server does not describe itself (RFC 8414)."
                    )
            } catch let error as OAuthError where error.kind == .unavailable {
                failure = failure ?? error
            }
        }
        throw failure ?? OAuthError(.badMetadata, "The server's OAuth metadata names no authorization server.")
    }

    /// What an issuer says about itself; nil where it says nothing.
    private func authorizationServer(_ issuer: String) async throws -> AuthorizationServer? {
        try AuthorizationServer.check(issuer, target.addresses)
        guard let url = WebURL(issuer), url.query == nil else {
            throw OAuthError(.badMetadata, "The server names an issuer that is none.")
        }
        // RFC 8414, 3.1: without the slash at the end.
        let path = Self.trimmed(url.path)
        let places = [
            "/.well-known/oauth-authorization-server\(path)", "/.well-known/openid-configuration\(path)",
            "\(path)/.well-known/openid-configuration",
        ]
        for place in Self.unique(places) {
            if let json = try await document(url.origin + place) {
                return try AuthorizationServer(json, issuer: issuer, addresses: target.addresses)
            }
        }
        return nil
    }

    private static func trimmed(_ path: String) -> String {
        path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    private static func unique(_ places: [String]) -> [String] {
        places.indices.filter { !places[..<$0].contains(places[$0]) }.map { places[$0] }
    }

    // MARK: Documents

    /// A JSON document; nil if this place has no document.
    private func document(_ url: String) async throws -> JSONValue? {
        let response: FetchResponse
        do {
            response = try await fetcher.fetch(request("GET", url, accept: "application/json"))
        } catch let error as FetchError {
            throw OAuthError(fetching: "the OAuth metadata", error)
        }
        switch response.status {
        case 200: break
        // Redirects are not followed: metadata is about the place that serves it.
        case 300..<500: return nil
        default: throw OAuthError(.unavailable, "The OAuth metadata could not be had: status \(response.status).")
        }
        // Many web servers answer any path with a page.
        guard response.mediaType.map({ $0.hasSuffix("/json") || $0.hasSuffix("+json") }) ?? true else { return nil }
        guard let json = try? JSONValue(parsing: response.body) else {
            throw OAuthError(.badMetadata, "The OAuth metadata is no JSON that can be read in one way only.")
        }
        return json
    }

    private func request(_ method: String, _ url: String, accept: String) -> FetchRequest {
        FetchRequest(
            method,
            url,
            headers: [("Accept", accept)],
            timeout: min(.seconds(8), deadline - .now),
            maxBytes: Self.longest,
            addresses: target.addresses
        )
        .trusting(target.ownAuthorities)
    }
}

extension OAuthError {
    /// Why something was not had from the network.
    init(fetching what: String, _ error: FetchError) {
        let message = "\(what.prefix(1).uppercased())\(what.dropFirst()): \(error.message)."
        switch error.kind {
        case .refusedAddress: self.init(.refusedAddress, message, next: error.next)
        case .badURL, .tooLarge, .tooManyRedirects: self.init(.badMetadata, message, next: error.next)
        default: self.init(.unavailable, message, next: error.next)
        }
    }
}
