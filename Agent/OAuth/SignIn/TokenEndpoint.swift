internal import Contract
internal import Fetch
internal import StrictJSON

/// Asks a token endpoint (RFC 6749, 3.2), and tells apart what its answers mean for the token that was sent.
struct TokenEndpoint: Sendable {
    /// Tokens as they were granted.
    struct Tokens: Sendable, Equatable {
        let access: String
        let refresh: String?
        /// Seconds from now; nil where the server does not say.
        let lifetime: Int?
        let scopes: [String]?
    }

    /// What became of a request.
    enum Answer: Sendable, Equatable {
        case tokens(Tokens)
        /// 2xx as JSON and yet no tokens: what was sent is spent, and nothing came for it.
        case spent
        /// An error of OAuth, by its code.
        case refused(String)
        /// Somebody answered, and not as a token endpoint that took the request: 429, 5xx, a page of whatever status.
        case busy
        /// Nothing of the request got there.
        case unreachable
        /// The request left, and no answer came: nobody knows what became of it.
        case lost
        /// An address that nothing is sent to.
        case forbidden
    }

    let fetcher: Fetcher
    let url: String
    let client: RegisteredClient
    let addresses: AddressRule
    var timeout = Duration.seconds(10)

    func ask(_ fields: [(String, String)]) async -> Answer {
        do {
            return Self.judge(try await fetcher.fetch(request(fields)))
        } catch let error as FetchError {
            if error.code == .refusedAddress || error.code == .badURL { return .forbidden }
            return error.sent == .maybe ? .lost : .unreachable
        } catch {
            return .lost
        }
    }

    /// Takes a token back (RFC 7009); whether the server says that it is gone.
    func revoke(token: String, hint: String) async -> Bool {
        let response = try? await fetcher.fetch(request([("token", token), ("token_type_hint", hint)]))
        return response?.status == 200
    }

    private func request(_ fields: [(String, String)]) -> FetchRequest {
        var fields = fields
        var headers = [("Content-Type", FormBody.mediaType), ("Accept", "application/json")]
        switch (client.method, client.secret) {
        case (.basic, let secret?):
            // RFC 6749, 2.3.1: both parts are encoded like a form before they are joined.
            let pair = "\(FormBody.escaped(client.id)):\(FormBody.escaped(secret))"
            headers.append(("Authorization", "Basic \(Base64.standard(Array(pair.utf8)))"))
        case (.post, let secret?):
            fields += [("client_id", client.id), ("client_secret", secret)]
        case (_, _):
            fields.append(("client_id", client.id))
        }
        return FetchRequest(
            "POST",
            url,
            headers: headers,
            body: FormBody.encode(fields),
            timeout: timeout,
            maxBytes: 64 << 10,
            addresses: addresses
        )
    }

    static func judge(_ response: FetchResponse) -> Answer {
        let isJSON = response.mediaType == "application/json"
        switch response.status {
        case 200..<300:
            // Captive portals and broken proxies answer 200 with a page: the request may not have got anywhere.
            guard isJSON else { return .busy }
            return tokens(response.body).map(Answer.tokens) ?? .spent
        case 400, 401, 403:
            guard isJSON, let json = try? JSONValue(parsing: response.body), let code = json["error"]?.text,
                isCode(code)
            else { return .busy }
            // Codes of the authorization endpoint that servers use here as well: nothing was taken.
            if code == "temporarily_unavailable" || code == "server_error" || code == "slow_down" { return .busy }
            return .refused(code)
        default:
            return .busy
        }
    }

    private static func tokens(_ body: [UInt8]) -> Tokens? {
        guard let json = try? JSONValue(parsing: body), let access = json["access_token"]?.text, isToken(access),
            json["token_type"]?.text?.lowercased() == "bearer"
        else { return nil }
        let refresh = json["refresh_token"]?.text
        if let refresh, !isToken(refresh) { return nil }
        var lifetime = json["expires_in"]?.int
        // Some servers write the number as a string.
        if lifetime == nil { lifetime = json["expires_in"]?.text.flatMap { Int($0) } }
        return Tokens(
            access: access,
            refresh: refresh,
            lifetime: lifetime.map { min(max($0, 0), 10 * 365 * 86_400) },
            scopes: json["scope"]?.text?.split(separator: " ").map(String.init)
        )
    }

    /// Printable ASCII, which goes into a header (RFC 6749, appendix A.12).
    private static func isToken(_ text: String) -> Bool {
        (1...16_384).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// A code that can stand in a record: a-z and _.
    private static func isCode(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_") }
    }
}
