internal import Addresses
internal import Bytes
internal import Fetch
internal import StrictJSON
internal import Synchronization

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
        /// A 2xx of JSON and yet no tokens: what was sent is spent, and nothing came for it.
        case spent
        /// An error of OAuth.
        case refused(OAuthRefusal)
        /// A server answered, and not as a token endpoint that took the request: 429, 5xx, a page of whatever status;
        /// with the seconds that it wants to be left alone.
        case busy(pause: Int?)
        /// A refusal without a word: 400 or 401 with an empty body.
        case wordless
        /// Nothing of the request got there.
        case unreachable
        /// The request left, and no answer came: what became of it is unknown.
        case lost
        /// An address that nothing is sent to.
        case forbidden
    }

    let fetcher: Fetcher
    let url: String
    let client: RegisteredClient
    let addresses: AddressRule
    var authorities: OwnAuthorities?
    var timeout = Duration.seconds(10)

    func ask(_ fields: [(String, String)]) async -> Answer {
        let answer = Mutex<(head: FetchResponse?, body: [UInt8])>((nil, []))
        do {
            // As a stream, because the head alone says whether a token is spent: the rest may break off.
            try await fetcher.stream(
                request(fields, as: client),
                onHead: { head in answer.withLock { $0.head = head } },
                onBytes: { bytes in answer.withLock { $0.body += bytes } }
            )
        } catch {
            if let head = answer.withLock({ $0.head }) { return Self.judge(head, body: nil) }
            guard let error = error as? FetchError else { return .lost }
            if error.kind == .refusedAddress || error.kind == .badURL { return .forbidden }
            return error.sent == .maybe ? .lost : .unreachable
        }
        let (head, body) = answer.withLock { $0 }
        return head.map { Self.judge($0, body: body, withholding: secrets(of: fields)) } ?? .lost
    }

    /// What no answer may repeat on a screen.
    private func secrets(of fields: [(String, String)]) -> [String] {
        let names = ["code", "code_verifier", "refresh_token", "token"]
        return fields.filter { names.contains($0.0) }.map(\.1) + [client.secret].compactMap { $0 }
    }

    /// Takes a token back (RFC 7009).
    ///
    /// A server may want something else of a client here than at its token endpoint: where it refuses the request, it is asked
    /// once more in each way that it may have meant.
    func revoke(token: String, hint: String) async -> Revocation {
        let fields = [("token", token), ("token_type_hint", hint)]
        var ways = [(client, fields)]
        // Servers on the official Python SDK want the member of every client; it may be empty (RFC 6749, 2.3.1).
        if client.method != .post { ways.append((client, fields + [("client_secret", "")])) }
        ways += client.otherwise.map { ($0, fields) }
        var refusal: Revocation?
        for (client, fields) in ways {
            let response: FetchResponse
            do {
                response = try await fetcher.fetch(request(fields, as: client))
            } catch {
                return refusal ?? .unreachable
            }
            // A page does not come from the endpoint but from a proxy, or from a network that wants to be paid first.
            let isPage = response.mediaType == "text/html" && !response.body.isEmpty
            if response.status == 200 || response.status == 204, !isPage { return .revoked }
            let told = OAuthRefusal(response.body, withholding: secrets(of: fields))?.words
            // What the client's own way was answered with counts, whatever the others come to.
            refusal = refusal ?? .refused("status \(response.status)\(told.map { ", \($0)" } ?? "")")
            guard response.status == 400 || response.status == 401 else { break }
        }
        return refusal ?? .unreachable
    }

    private func request(_ fields: [(String, String)], as client: RegisteredClient) -> FetchRequest {
        var fields = fields
        var headers = [("Content-Type", FormBody.mediaType), ("Accept", "application/json")]
        switch (client.method, client.secret) {
        case (.basic, let secret?), (.bareBasic, let secret?):
            // RFC 6749, 2.3.1: both parts are encoded like a form before they are joined.
            let isBare = client.method == .bareBasic
            let pair = (isBare ? [client.id, secret] : [client.id, secret].map(FormBody.escaped)).joined(separator: ":")
            headers.append(("Authorization", "Basic \(Base64.standard(Array(pair.utf8)))"))
            // It may be there as well (3.2.1), and servers on the official Python SDK look nowhere else for it.
            fields.append(("client_id", client.id))
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
        .trusting(authorities)
    }

    /// What an answer means; `body` is nil where it broke off.
    static func judge(_ head: FetchResponse, body: [UInt8]?, withholding secrets: [String] = []) -> Answer {
        let isJSON = head.mediaType == "application/json"
        switch head.status {
        case 200..<300:
            // Captive portals and broken proxies answer 200 with a page: the request may not have got anywhere.
            guard isJSON else { return .busy(pause: nil) }
            return body.flatMap(tokens).map(Answer.tokens) ?? .spent
        case 400, 401, 403:
            if head.status != 403, let body, body.isEmpty { return .wordless }
            guard isJSON, let body, let refusal = OAuthRefusal(body, withholding: secrets) else {
                return .busy(pause: nil)
            }
            // Codes of other endpoints that servers use here as well: nothing was taken.
            let isPassing = ["temporarily_unavailable", "server_error", "slow_down"].contains(refusal.code)
            return isPassing ? .busy(pause: pause(head)) : .refused(refusal)
        default:
            return .busy(pause: pause(head))
        }
    }

    /// The seconds of `Retry-After`; its other form, a date, is left to our own back-off.
    private static func pause(_ head: FetchResponse) -> Int? {
        head.header("retry-after").flatMap { Int($0) }.map { min(max($0, 0), 3600) }
    }

    private static func tokens(_ body: [UInt8]) -> Tokens? {
        guard let json = try? JSONValue(parsing: body), let access = json["access_token"]?.text, isToken(access),
            let type = json["token_type"]?.text, type.utf8.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 })
        else { return nil }
        // Some servers write an empty one instead of leaving it out.
        let refresh = json["refresh_token"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        if let refresh, !isToken(refresh) { return nil }
        return Tokens(
            access: access,
            refresh: refresh,
            lifetime: lifetime(json["expires_in"]),
            scopes: json["scope"]?.text.map(ScopeList.init)?.scopes
        )
    }

    /// Whole seconds; some servers write them as a string, or with a fraction.
    private static func lifetime(_ value: JSONValue?) -> Int? {
        guard let seconds = value?.number?.double ?? value?.text.flatMap({ Double($0) }), seconds.isFinite else {
            return nil
        }
        return Int(min(max(seconds, 0), 10 * 365 * 86_400))
    }

    /// Printable ASCII, which goes into a header (RFC 6749, appendix A.12).
    private static func isToken(_ text: String) -> Bool {
        (1...16_384).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// Scopes as a server wrote them.
struct ScopeList: Sendable, Equatable {
    /// At most 100 scopes, each well-formed (RFC 6749, 3.3); malformed ones are left out.
    let scopes: [String]

    /// The scopes of a list in one text, apart by blanks.
    init(_ text: String) {
        self.init(text.split(separator: " ").map(String.init))
    }

    init(_ scopes: [String]) {
        let usable = scopes.filter { scope in
            (1...256).contains(scope.utf8.count)
                && scope.utf8.allSatisfy {
                    (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
                }
        }
        self.scopes = Array(usable.prefix(100))
    }
}
