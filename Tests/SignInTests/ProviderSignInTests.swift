import Bytes
import Crypto
import Fetch
import Foundation
import Kits
import Policy
import StrictJSON
import Testing

@testable import SignIn

@Suite("Signing in at a provider")
struct ProviderSignInTests {
    private let provider: TestProvider
    private let clock = HandClock()
    private let signIn: ProviderSignIn

    init() throws {
        provider = try TestProvider()
        let client = ProviderClient(provider.settings, fetcher: Fetcher(), clock: clock.machine)
        signIn = ProviderSignIn(client, origin: "https://example.com", clock: clock.machine)
    }

    /// A browser with the cookies of a departure.
    private func browser(_ departure: ProviderSignIn.Departure) -> BrowserRequest {
        .of(departure.cookies.map { ("cookie", String($0.split(separator: ";")[0])) })
    }

    /// A whole sign-in, with whatever the test has changed.
    private func arrive(changing changes: [String: String?] = [:]) async throws -> ProviderSignIn.Arrival {
        let departure = try await signIn.begin(to: "/people", isFresh: false, .of())
        return try await signIn.finish(try provider.consent(departure.url, changing: changes), browser(departure))
    }

    @Test("Who comes back is the person whom the provider names, at the page where the person wanted to go")
    func honest() async throws {
        let arrival = try await arrive()
        #expect(arrival.identity.email.text == "ann@example.com")
        #expect(arrival.identity.subject == "ann-1")
        #expect(arrival.identity.groups == ["staff"])
        #expect(arrival.path == "/people")
        #expect(arrival.refreshToken != nil)
    }

    @Test("What is asked for has a state, a nonce and a proof key, new each time, and nothing of the cookie")
    func request() async throws {
        var seen: Set<String> = []
        for _ in 0..<3 {
            let departure = try await signIn.begin(to: nil, isFresh: false, .of())
            let fields = try #require(WebURL(departure.url)?.query.flatMap { FormBody.decode($0) })
            #expect(fields["response_type"] == "code")
            #expect(fields["client_id"] == TestProvider.client)
            #expect(fields["redirect_uri"] == "https://example.com/oidc/callback")
            #expect(fields["scope"] == "openid email profile offline_access")
            #expect(fields["code_challenge_method"] == "S256")
            for name in ["state", "nonce", "code_challenge"] {
                let value = try #require(fields[name])
                #expect(value.utf8.count == 43)
                #expect(seen.insert(value).inserted)
                #expect(!departure.cookies.joined().contains(value))
            }
            #expect(departure.cookies.count == 1)
            #expect(departure.cookies[0].hasPrefix("__Host-"))
            #expect(departure.cookies[0].hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"))
        }
    }

    @Test("Another browser than the one that began cannot go on, and neither can this one after ten minutes, or twice")
    func bound() async throws {
        let departure = try await signIn.begin(to: nil, isFresh: false, .of())
        let query = try provider.consent(departure.url)
        let other = try await signIn.begin(to: nil, isFresh: false, .of())
        #expect(await code { try await signIn.finish(query, .of()) } == "sign_in_stale")
        #expect(await code { try await signIn.finish(query, browser(other)) } == "sign_in_stale")
        // The cookie of one flow under the name of another.
        let name = departure.cookies[0].split(separator: "=")[0]
        let value = other.cookies[0].split(separator: ";")[0].split(separator: "=")[1]
        #expect(await code { try await signIn.finish(query, .of([("cookie", "\(name)=\(value)")])) } == "sign_in_stale")
        _ = try await signIn.finish(query, browser(departure))
        #expect(await code { try await signIn.finish(query, browser(departure)) } == "sign_in_stale")

        let late = try await signIn.begin(to: nil, isFresh: false, .of())
        let answer = try provider.consent(late.url)
        clock.pass(SignInFlow.life + 1)
        #expect(await code { try await signIn.finish(answer, browser(late)) } == "sign_in_stale")
    }

    @Test("Two windows of one browser sign in beside each other")
    func windows() async throws {
        let first = try await signIn.begin(to: "/one", isFresh: false, .of())
        let second = try await signIn.begin(to: "/two", isFresh: false, browser(first))
        let cookies = [first, second].flatMap(\.cookies).map { ("cookie", String($0.split(separator: ";")[0])) }
        #expect(try await signIn.finish(try provider.consent(second.url), .of(cookies)).path == "/two")
        #expect(try await signIn.finish(try provider.consent(first.url), .of(cookies)).path == "/one")
    }

    @Test(
        "An answer that does not belong to what was asked is refused",
        arguments: [
            (["state": "x"], "sign_in_stale"), (["state": nil], "sign_in_stale"),
            (["iss": "https://evil.example"], "provider_answer"), (["iss": nil], "provider_answer"),
            (["iss": "https://evil.example", "error": "access_denied", "code": nil], "provider_answer"),
            (["code": nil], "provider_answer"), (["code": "code-999"], "sign_in_stale"),
            (["error": "access_denied", "code": nil], "sign_in_denied"),
        ] as [([String: String?], String)]
    )
    func mixUp(changes: [String: String?], expected: String) async throws {
        #expect(await code { try await arrive(changing: changes) } == expected)
        if changes["iss"] != nil { #expect(provider.asked("/token") == 0) }
    }

    @Test(
        "An ID token for somebody else, or of another time, is refused",
        arguments: [
            ["iss": "https://evil.example"], ["iss": nil], ["aud": "another"], ["aud": ["another"]], ["aud": nil],
            ["aud": ["doorward", "another"]], ["aud": ["doorward", "another"], "azp": "another"], ["azp": "another"],
            ["nonce": "x"], ["nonce": nil], ["exp": 1_785_196_000], ["exp": nil], ["exp": "9999999999"],
            ["iat": 1_785_200_000], ["iat": nil], ["nbf": 1_785_200_000], ["sub": nil], ["sub": ""], ["sub": 7],
        ] as [JSONObject]
    )
    func foreignToken(claims: JSONObject) async throws {
        provider.change { $0.claims = claims }
        #expect(await code { try await arrive() } == "provider_answer")
    }

    @Test("Several audiences are taken where it was this client that asked")
    func party() async throws {
        provider.change { $0.claims = ["aud": ["doorward", "another"], "azp": "doorward"] }
        #expect(try await arrive().identity.subject == "ann-1")
    }

    @Test(
        "An address that is not verified to be the person's is nobody",
        arguments: [["email_verified": false], ["email_verified": nil], ["email": nil], ["email": "ann"]]
            as [JSONObject]
    )
    func unverified(claims: JSONObject) async throws {
        provider.change { $0.claims = claims }
        #expect(await code { try await arrive() } == "not_admitted")
    }

    @Test("No signature, one by a shared secret, by another key, or over something else is refused")
    func forged() async throws {
        let key = try #require(Base64.decodeURL(TestProvider.Key("x").json["x"]?.text?.utf8 ?? "".utf8))
        let attacks: [(JSONObject, (@Sendable ([UInt8]) throws -> [UInt8])?)] = [
            (["alg": "none"], { _ in [] }), (["alg": "None"], { _ in [] }),
            // The public key as a secret.
            (
                ["alg": "HS256"],
                { Array(HMAC<SHA256>.authenticationCode(for: Data($0), using: SymmetricKey(data: key))) }
            ),
            ([:], { Array(try TestProvider.Key("y").key.signature(for: Data($0)).rawRepresentation) }),
            (["kid": "stranger"], { Array(try TestProvider.Key("y").key.signature(for: Data($0)).rawRepresentation) }),
            (["alg": "ES384"], { Array(try P384.Signing.PrivateKey().signature(for: Data($0)).rawRepresentation) }),
            (["crit": ["exp"]], nil), (["crit": nil, "alg": nil], nil), (["kid": "stranger"], nil),
            (["alg": "es256"], nil),
            ([:], { _ in [UInt8](repeating: 0, count: 64) }), ([:], { _ in [] }),
        ]
        for (header, signer) in attacks {
            provider.change { ($0.header, $0.signer) = (header, signer) }
            #expect(await code { try await arrive() } == "provider_answer", "\(header)")
        }
    }

    @Test("Keys that the provider changes are found, and strangers' names of keys make it be asked at a bounded pace")
    func rotation() async throws {
        _ = try await arrive()
        #expect(provider.asked("/keys") == 1)
        provider.change { $0.keys = [TestProvider.Key("second"), $0.keys[0]] }
        clock.pass(31)
        _ = try await arrive()
        #expect(provider.asked("/keys") == 2)
        provider.change { $0.header = ["kid": "stranger"] }
        for _ in 0..<10 { #expect(await code { try await arrive() } == "provider_answer") }
        #expect(provider.asked("/keys") == 2)
        clock.pass(31)
        for _ in 0..<10 { #expect(await code { try await arrive() } == "provider_answer") }
        #expect(provider.asked("/keys") == 3)
    }

    @Test("A key that is for something else, or too weak, or one of two that fit, verifies nothing")
    func keys() throws {
        let good = TestProvider.Key("a").json
        func finds(_ keys: [JSONValue], _ kid: String?, _ algorithm: ProviderKeys.Algorithm = .es256) -> Bool {
            ProviderKeys(["keys": .array(keys)]).key(kid, for: algorithm)?.object != nil
        }
        func changed(_ name: JSONText, _ value: JSONValue?) throws -> JSONValue {
            var object = try #require(good.object)
            object[name] = value
            return .object(object)
        }
        #expect(finds([good], "a"))
        #expect(finds([good], nil))
        #expect(!finds([good, good], "a"))
        #expect(!finds([good, TestProvider.Key("b").json], nil))
        #expect(!finds([good], "b"))
        #expect(!finds([good], "a", .rs256))
        #expect(try !finds([changed("use", "enc")], "a"))
        #expect(try !finds([changed("alg", "ES384")], "a"))
        #expect(try !finds([changed("key_ops", ["sign"])], "a"))
        #expect(try !finds([changed("x", nil)], "a"))
        let modulus = JSONValue.text(Base64.url([UInt8](repeating: 0xFF, count: 128)))
        #expect(!finds([["kty": "RSA", "kid": "r", "n": modulus, "e": "AQAB"]], "r", .rs256))
        // What is handed to the library has nothing of the provider's own beside the key itself.
        let set = ProviderKeys(["keys": [try changed("x5u", "https://evil.example")]])
        let plain = try #require(set.key("a", for: .es256)?.object)
        #expect(Set(plain.names) == ["kty", "kid", "alg", "crv", "x", "y"])
    }

    @Test(
        "Metadata about another issuer, or with endpoints that may not be used, ends it before a browser goes anywhere",
        arguments: [
            ["issuer": "https://evil.example"], ["issuer": nil], ["token_endpoint": "http://evil.example/token"],
            ["token_endpoint": "file:///etc/passwd"], ["jwks_uri": nil],
            ["authorization_endpoint": "javascript:alert(1)"],
            ["authorization_endpoint": "https://user@evil.example/"], ["code_challenge_methods_supported": ["plain"]],
        ] as [JSONObject]
    )
    func metadata(changes: JSONObject) async throws {
        provider.change { $0.metadata = changes }
        #expect(await code { try await signIn.begin(to: nil, isFresh: false, .of()) } == "provider_answer")
    }

    @Test("The addresses at which clouds keep their secrets are asked nothing, wherever the metadata points")
    func addresses() async throws {
        provider.change { $0.metadata = ["jwks_uri": "https://169.254.169.254/keys"] }
        #expect(await code { try await arrive() } == "provider_unavailable")
    }

    @Test("Whoever is asked to prove itself anew has to have done it just now")
    func fresh() async throws {
        func again() async throws -> ProviderSignIn.Arrival {
            let departure = try await signIn.begin(to: nil, isFresh: true, .of())
            let fields = try #require(WebURL(departure.url)?.query.flatMap { FormBody.decode($0) })
            #expect(fields["prompt"] == "login")
            return try await signIn.finish(try provider.consent(departure.url), browser(departure))
        }
        #expect(try await again().provenAt == 1_785_196_800)
        provider.change { $0.claims = ["auth_time": 1_785_196_000] }
        #expect(await code { try await again() } == "provider_answer")
        // Some do not say when, and have been told to ask.
        for silence in [["auth_time": nil], ["auth_time": 0]] as [JSONObject] {
            provider.change { $0.claims = silence }
            #expect(try await again().provenAt == 1_785_196_800)
            #expect(try await arrive().provenAt == nil)
        }
    }

    @Test("What the provider says in its errors is not repeated, whatever it holds")
    func words() async throws {
        let departure = try await signIn.begin(to: nil, isFresh: false, .of())
        let query = try provider.consent(departure.url, changing: ["error": "<script>alert(1)</script>", "code": nil])
        do {
            _ = try await signIn.finish(query, browser(departure))
            Issue.record("it was taken")
        } catch {
            #expect(!"\(error)".contains("script"))
        }
    }
}
