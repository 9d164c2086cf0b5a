internal import Fetch
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

    let fetcher: Fetcher
    /// The longest document.
    private static let longest = 256 << 10

    func find(_ server: ProtectedServer) async throws -> Found {
        guard let url = WebURL(server.url) else { throw OAuthError(.badMetadata, "The server's URL is none.") }
        let challenge = try await challenge(of: server)
        let resource = try await resource(of: server, url, challenge)
        let issuer = resource.authorizationServers[0]
        let found = try await authorizationServer(issuer, server.addresses)
        let scopes = [server.scopes, challenge?.scopes ?? [], resource.scopes].first { !$0.isEmpty } ?? []
        return Found(resource: resource, server: found, scopes: scopes)
    }

    // MARK: The resource

    /// What the server answers to somebody without a token.
    private func challenge(of server: ProtectedServer) async throws -> BearerChallenge? {
        let response = try await fetch(
            FetchRequest(
                "GET",
                server.url,
                headers: [("Accept", "application/json, text/event-stream")],
                maxBytes: Self.longest,
                addresses: server.addresses
            ),
            what: "the server"
        )
        return response.status == 401 ? BearerChallenge(response.headers("www-authenticate")) : nil
    }

    private func resource(
        of server: ProtectedServer,
        _ url: WebURL,
        _ challenge: BearerChallenge?
    ) async throws -> ResourceMetadata {
        if let place = challenge?.resourceMetadata {
            try AuthorizationServer.check(place, server.addresses)
            guard let json = try await document(place, server.addresses) else {
                throw OAuthError(.badMetadata, "The server's OAuth metadata is not where its challenge says.")
            }
            return try ResourceMetadata(json, of: url)
        }
        // RFC 9728, 3.1: the well-known part goes between host and path; then the origin's own.
        let name = "/.well-known/oauth-protected-resource"
        let path = url.path == "/" ? "" : url.path
        for place in ["\(url.origin)\(name)\(path)", "\(url.origin)\(name)"] {
            if let json = try await document(place, server.addresses) { return try ResourceMetadata(json, of: url) }
        }
        throw OAuthError(
            .badMetadata,
            "The server does not say where its users sign in (RFC 9728).",
            next: "Ask whoever runs the server, or register it with --auth none if it needs no sign-in."
        )
    }

    // MARK: The authorization server

    private func authorizationServer(_ issuer: String, _ addresses: AddressRule) async throws -> AuthorizationServer {
        try AuthorizationServer.check(issuer, addresses)
        guard let url = WebURL(issuer), url.query == nil else {
            throw OAuthError(.badMetadata, "The server names an issuer that is none.")
        }
        let path = url.path == "/" ? "" : url.path
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        let places = [
            "/.well-known/oauth-authorization-server\(path)", "/.well-known/openid-configuration\(path)",
            "\(trimmed)/.well-known/openid-configuration",
        ]
        for place in places {
            if let json = try await document(url.origin + place, addresses) {
                return try AuthorizationServer(json, issuer: issuer, addresses: addresses)
            }
        }
        throw OAuthError(.badMetadata, "The authorization server does not describe itself (RFC 8414).")
    }

    // MARK: Documents

    /// A JSON document; nil where there is none at this place.
    private func document(_ url: String, _ addresses: AddressRule) async throws -> JSONValue? {
        let request = FetchRequest(
            "GET",
            url,
            headers: [("Accept", "application/json")],
            maxBytes: Self.longest,
            addresses: addresses
        )
        let response = try await fetch(request, what: "the OAuth metadata")
        guard response.status == 200 else {
            guard (400..<500).contains(response.status) || (300..<400).contains(response.status) else {
                throw OAuthError(.unavailable, "The OAuth metadata could not be had: status \(response.status).")
            }
            return nil
        }
        guard let json = try? JSONValue(parsing: response.body) else {
            throw OAuthError(.badMetadata, "The OAuth metadata is no JSON that can be read in one way only.")
        }
        return json
    }

    private func fetch(_ request: FetchRequest, what: String) async throws -> FetchResponse {
        do {
            return try await fetcher.fetch(request)
        } catch let error as FetchError {
            throw OAuthError(fetching: what, error)
        }
    }
}

extension OAuthError {
    /// Why something was not had from the network.
    init(fetching what: String, _ error: FetchError) {
        switch error.code {
        case .refusedAddress: self.init(.refusedAddress, "\(what.capitalizedFirst) \(error.message).", next: error.hint)
        case .badURL, .tooLarge, .tooManyRedirects:
            self.init(.badMetadata, "\(what.capitalizedFirst): \(error.message).", next: error.hint)
        default: self.init(.unavailable, "\(what.capitalizedFirst): \(error.message).", next: error.hint)
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
