import Bytes
import Fetch
import StrictJSON
import Testing

@testable import OAuth

@Suite("What is written to servers, browsers and files")
struct FormsTests {
    @Test("The proof key of RFC 7636, appendix B")
    func pkce() {
        let bytes: [UInt8] = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
            240, 91, 88, 5, 88, 83, 132, 141, 121,
        ]
        let key = PKCE(random: bytes)
        #expect(key.verifier == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        #expect(key.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }

    @Test("Forms are read back as they were written, and no form with two readings is read")
    func forms() {
        let fields = [("a b", "c&d=e"), ("é", "+%"), ("", "")]
        #expect(FormBody.decode(FormBody.query(fields)) == ["a b": "c&d=e", "é": "+%", "": ""])
        #expect(FormBody.decode("a=1+2&b=%41") == ["a": "1 2", "b": "A"])
        for bad in ["a=1&a=2", "a=%4", "a=%zz", "a=%ff", "a=%"] { #expect(FormBody.decode(bad) == nil) }
    }

    @Test(
        "What goes to a browser means nothing to a shell",
        arguments: [
            ("https://a.example/$(id)", "https://a.example/%24%28id%29?q"),
            ("https://a.example/`x`", "https://a.example/%60x%60?q"),
            ("https://A.example:443/a;b|c", "https://a.example/a%3Bb%7Cc?q"),
            ("https://a.example/?x='y'", "https://a.example/?x=%27y%27&q"),
            ("https://a.example/%24", "https://a.example/%24?q"), ("https://a.example", "https://a.example/?q"),
        ]
    )
    func browserURLs(endpoint: String, written: String) {
        #expect(AuthorizationFlow.plain(endpoint, "q") == written)
    }

    @Test("An authorization endpoint may not bring parameters of the request along")
    func clashes() {
        for query in ["state=x", "a=b&redirect_uri=c", "client_id", "a=1&a=2", "r%65source=x"] {
            #expect(AuthorizationFlow.clashes(with: query))
        }
        #expect(!AuthorizationFlow.clashes(with: "tenant=x"))
    }

    @Test(
        "Only web addresses are opened, and without a browser that is said",
        arguments: [
            "file:///etc/passwd", "javascript:alert(1)", "-h", "--help", "http://a.example/", "https://a.example/ x",
            "",
        ]
    )
    func launcher(url: String) async {
        #expect(await !BrowserLauncher.open(url))
    }

    @Test("What an answer of a token endpoint means for what was sent")
    func judgement() {
        func judge(_ status: Int, _ type: String?, _ body: String?) -> TokenEndpoint.Answer {
            let headers = type.map { [(name: "content-type", value: $0)] } ?? []
            return TokenEndpoint.judge(
                FetchResponse(status: status, headers: headers),
                body: body.map { Array($0.utf8) }
            )
        }
        let json = "application/json"
        let good = #"{"access_token":"a","token_type":"Bearer"}"#
        let tokens = TokenEndpoint.Answer.tokens(.init(access: "a", refresh: nil, lifetime: nil, scopes: nil))
        #expect(judge(200, json, good) == tokens)
        #expect(judge(200, "Application/JSON ; charset=utf-8", good) == tokens)
        #expect(judge(200, "text/html", good) == .busy(pause: nil))
        #expect(judge(200, nil, good) == .busy(pause: nil))
        #expect(judge(200, json, nil) == .spent)
        #expect(judge(200, json, #"{"error":"bad_refresh_token"}"#) == .spent)
        #expect(judge(204, json, "") == .spent)
        #expect(judge(400, json, #"{"error":"invalid_grant"}"#) == .refused("invalid_grant"))
        #expect(judge(401, json, #"{"error":"invalid_client"}"#) == .refused("invalid_client"))
        #expect(judge(400, json, #"{"error":"slow_down"}"#) == .busy(pause: nil))
        #expect(judge(400, json, #"{"error":"Token x is bad"}"#) == .busy(pause: nil))
        #expect(judge(400, "text/html", "<p>") == .busy(pause: nil))
        #expect(judge(500, json, #"{"error":"invalid_grant"}"#) == .busy(pause: nil))
        #expect(judge(302, nil, "") == .busy(pause: nil))
        for (text, lifetime) in [("3600", 3600), ("3600.9", 3600), (#""60""#, 60), ("-5", 0), ("1e30", 315_360_000)] {
            let body =
                #"{"access_token":"a","token_type":"bearer","expires_in":\#(text),"refresh_token":"","scope":"x  y"}"#
            let answer = TokenEndpoint.Answer.tokens(
                .init(access: "a", refresh: nil, lifetime: lifetime, scopes: ["x", "y"])
            )
            #expect(judge(200, json, body) == answer)
        }
    }

    @Test(
        "A server's own words are one line of plain text, bounded, and repeat nothing that was sent",
        arguments: [
            (nil, "invalid_grant"), ("", "invalid_grant"),
            ("Token was revoked.", #"invalid_grant: "Token was revoked.""#),
            (#"say "x" \now"#, #"invalid_grant: "say 'x' 'now""#), ("a\nb", "invalid_grant"),
            ("a\u{7F}b", "invalid_grant"),
            ("\u{1B}[31mred", "invalid_grant"), ("caf\u{E9}", "invalid_grant"), ("\u{202E}lmth", "invalid_grant"),
            ("the token abc-secret is over", "invalid_grant"), ("the secret s3 is wrong", "invalid_grant"),
            (String(repeating: "x", count: 5000), "invalid_grant"),
            (String(repeating: "x", count: 300), #"invalid_grant: "\#(String(repeating: "x", count: 200))...""#),
        ]
    )
    func words(description: String?, shown: String) throws {
        var body: JSONObject = ["error": "invalid_grant"]
        body["error_description"] = description.map { .text($0) }
        let refusal = try #require(OAuthRefusal(JSONValue.object(body).bytes, withholding: ["", "abc-secret", "s3"]))
        #expect(refusal.words == shown)
        #expect(refusal == "invalid_grant")
    }

    @Test(
        "What is not a code of an error is ignored",
        arguments: ["", "Invalid", "a b", "<p>", "a-b", String(repeating: "a", count: 65)]
    )
    func codes(text: String) {
        #expect(OAuthRefusal(code: text, description: "words") == nil)
        #expect(OAuthRefusal(JSONValue.object(["error": .text(text)]).bytes) == nil)
        for body in ["", "{}", "[]", "<p>", #"{"error":1}"#] { #expect(OAuthRefusal(Array(body.utf8)) == nil) }
    }

    @Test("A grant is read back from the keyring as it was stored, and nothing else is read")
    func grants() {
        let grant = Grant(
            credential: "c",
            generation: 3,
            accessToken: "a",
            expires: 10,
            obtained: 5,
            refreshToken: "r",
            issuer: "i",
            resource: "x",
            tokenEndpoint: "t",
            revocationEndpoint: "v",
            client: RegisteredClient(id: "id", secret: "s", method: .basic),
            scopes: ["one"]
        )
        #expect(Grant(grant.json.bytes) == grant)
        for bad in ["", "{}", #"{"v":2}"#] { #expect(Grant(Array(bad.utf8)) == nil) }
    }

    @Test("Renewal comes before the end, and not at the same moment for every token")
    func renewal() {
        func renewal(_ generation: Int, life: Int) -> Int? {
            Grant(
                credential: "c",
                generation: generation,
                accessToken: "a",
                expires: 1000 + life,
                obtained: 1000,
                refreshToken: "r",
                issuer: "i",
                resource: "x",
                tokenEndpoint: "t",
                revocationEndpoint: nil,
                client: RegisteredClient(id: "id"),
                scopes: []
            ).renewal
        }
        #expect(renewal(1, life: 3) == 1002)
        for generation in 1...20 {
            let time = renewal(generation, life: 3600) ?? 0
            #expect((4555...4570).contains(time))
        }
        #expect(Set((1...20).map { renewal($0, life: 3600) }).count > 3)
    }

    @Test("A client that was registered: by what it has to prove itself")
    func registration() {
        func client(_ text: String) -> RegisteredClient? {
            (try? JSONValue(parsing: Array(text.utf8))).flatMap { Registration.client($0, wished: .basic) }
        }
        #expect(client(#"{"client_id":"a"}"#) == RegisteredClient(id: "a"))
        #expect(
            client(#"{"client_id":"a","client_secret":"s"}"#) == RegisteredClient(id: "a", secret: "s", method: .basic)
        )
        #expect(
            client(#"{"client_id":"a","client_secret":"s","token_endpoint_auth_method":"client_secret_post"}"#)
                == RegisteredClient(id: "a", secret: "s", method: .post)
        )
        #expect(
            client(#"{"client_id":"a","client_secret":"s","token_endpoint_auth_method":"none"}"#)
                == RegisteredClient(id: "a", secret: "s", method: .none)
        )
        for bad in [#"{}"#, #"{"client_id":""}"#, #"{"client_id":"a\nb"}"#, #"{"client_id":1}"#] {
            #expect(client(bad) == nil)
        }
    }
}
