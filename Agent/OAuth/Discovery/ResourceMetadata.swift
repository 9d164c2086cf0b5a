internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// What a protected resource says about itself (RFC 9728).
struct ResourceMetadata: Sendable, Equatable {
    /// The identifier that tokens are asked for.
    let resource: String
    /// The issuers that it trusts; the first is asked.
    let authorizationServers: [String]
    let scopes: [String]

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - json: the document.
    ///   - url: the server's URL as it is called.
    /// - Throws: `OAuthError` where the document is about something else than this server, or names no issuer.
    init(_ json: JSONValue, of url: WebURL) throws {
        do {
            self = try ObjectReader.read(json.withoutNulls) { reader in
                let resource = try reader.text("resource")
                let servers = try reader.texts("authorization_servers")
                let scopes = try reader.optionalTexts("scopes_supported") ?? []
                reader.ignoreOthers()
                return ResourceMetadata(
                    resource: resource,
                    authorizationServers: servers,
                    scopes: ScopeList(scopes).scopes
                )
            }
        } catch {
            throw OAuthError(.badMetadata, "The server's OAuth metadata is malformed: \(error)")
        }
        guard Self.covers(resource, url) else {
            throw OAuthError(.badMetadata, "The server's OAuth metadata is about another resource than its URL.")
        }
        guard !authorizationServers.isEmpty else {
            throw OAuthError(.badMetadata, "The server's OAuth metadata names no authorization server.")
        }
    }

    private init(resource: String, authorizationServers: [String], scopes: [String]) {
        self.resource = resource
        self.authorizationServers = authorizationServers
        self.scopes = scopes
    }

    /// Whether a resource is the URL itself, or above it on the same origin.
    static func covers(_ resource: String, _ url: WebURL) -> Bool {
        guard let named = WebURL(resource), named.fragment == nil, named.origin == url.origin else { return false }
        if named.query != nil { return named.path == url.path && named.query == url.query }
        if named.path == url.path { return true }
        let folder = named.path.hasSuffix("/") ? named.path : named.path + "/"
        return url.path.hasPrefix(folder)
    }
}
