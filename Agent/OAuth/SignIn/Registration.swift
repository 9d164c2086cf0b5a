internal import Addresses
internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// Dynamic registration at an authorization server that does not know Doorward yet (RFC 7591).
struct Registration: Sendable {
    let fetcher: Fetcher

    /// Registers a client for one redirect address.
    func register(
        at server: AuthorizationServer,
        redirect: String,
        scopes: [String],
        addresses: AddressRule,
        authorities: OwnAuthorities? = nil
    ) async throws -> RegisteredClient {
        guard let endpoint = server.registrationEndpoint else {
            throw OAuthError(
                .registration,
                "The authorization server knows no Doorward and registers nobody.",
                next: "Have an administrator register a client and put its client_id into the server's entry."
            )
        }
        // A desktop program keeps no secret; one is taken only from a server that hands out nothing else.
        let method = server.tokenMethods.contains(.none) ? RegisteredClient.Method.none : server.tokenMethods.first
        guard let method else {
            throw OAuthError(
                .unsupported,
                "The authorization server wants a client authentication that is not known here."
            )
        }
        var wish: JSONObject = [
            "client_name": "Doorward", "redirect_uris": .array([.text(redirect)]),
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": .text(method.rawValue), "application_type": "native",
        ]
        if !scopes.isEmpty { wish["scope"] = .text(scopes.joined(separator: " ")) }
        let response: FetchResponse
        do {
            response = try await fetcher.fetch(
                FetchRequest(
                    "POST",
                    endpoint,
                    headers: [("Content-Type", "application/json"), ("Accept", "application/json")],
                    body: JSONValue.object(wish).bytes,
                    maxBytes: 64 << 10,
                    addresses: addresses
                )
                .trusting(authorities)
            )
        } catch let error as FetchError {
            throw OAuthError(fetching: "the registration", error)
        }
        guard (200..<300).contains(response.status), let json = try? JSONValue(parsing: response.body),
            let client = Self.client(json.withoutNulls, wished: method)
        else {
            let told = OAuthRefusal(response.body).map { ", \($0.words)" } ?? ""
            throw OAuthError(
                .registration,
                "The authorization server registers no client: status \(response.status)\(told).",
                next: "Have an administrator register a client and put its client_id into the server's entry."
            )
        }
        return client
    }

    /// The client of an answer; nil where it holds none that can be used.
    static func client(_ json: JSONValue, wished: RegisteredClient.Method) -> RegisteredClient? {
        guard let id = json["client_id"]?.text, isVisible(id) else { return nil }
        guard let secret = json["client_secret"]?.text else { return RegisteredClient(id: id) }
        guard isVisible(secret) else { return nil }
        let given = json["token_endpoint_auth_method"]?.text.flatMap(RegisteredClient.Method.init) ?? wished
        // A client of method `none` sends its secret to no token endpoint; an endpoint for revocation may want it.
        return RegisteredClient(id: id, secret: secret, method: given)
    }

    /// Printable ASCII (RFC 6749, appendix A.1 and A.2).
    private static func isVisible(_ text: String) -> Bool {
        (1...4096).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
