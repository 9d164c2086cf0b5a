import Addresses
import Errors
import Fetch
import Kits
import ServiceKit
import StrictJSON
import Testing

@testable import OAuth

@Suite("Finding out where to sign in")
struct DiscoveryTests {
    /// What stops a sign-in before there is an address to open; nil where nothing does.
    private func refusal(
        _ provider: FakeProvider,
        loopback: Bool = true,
        fetcher: Fetcher = Fetcher(proxies: .none)
    ) async -> OAuthError? {
        await Desktop.error {
            _ = try await Discovery(of: provider.protected(loopback: loopback), fetcher: fetcher).find()
        }
    }

    private func provider(_ change: @Sendable (inout FakeProvider.State) -> Void) throws -> FakeProvider {
        let provider = try FakeProvider()
        provider.change(change)
        return provider
    }

    @Test("The challenge says where the metadata is; without one it is looked for in both places")
    func places() async throws {
        #expect(await refusal(try provider { _ in }) == nil)
        let silent = try provider { $0.challenge = nil }
        #expect(await refusal(silent) == nil)
        let origin = try provider { $0.challenge = nil }
        origin.instead("/.well-known/oauth-protected-resource/mcp", .http(404))
        origin.instead(
            "/.well-known/oauth-protected-resource",
            FakeProvider.json([
                "resource": .text(origin.origin), "authorization_servers": [.text(origin.origin)],
            ])
        )
        #expect(await refusal(origin) == nil)
        let nowhere = try provider { $0.challenge = nil }
        nowhere.instead("/.well-known/oauth-protected-resource/mcp", .http(404))
        #expect(await refusal(nowhere)?.kind == .badMetadata)
    }

    @Test("An OpenID provider's document does as well; a page at a well-known place is no document")
    func openID() async throws {
        let provider = try FakeProvider()
        provider.instead(
            "/.well-known/oauth-authorization-server",
            .http(200, ["Content-Type: text/html"], body: "<p>welcome")
        )
        provider.instead(
            "/.well-known/openid-configuration",
            FakeProvider.json([
                "issuer": .text(provider.origin), "authorization_endpoint": .text("\(provider.origin)/a"),
                "token_endpoint": .text("\(provider.origin)/t"), "code_challenge_methods_supported": ["plain", "S256"],
                "registration_endpoint": nil,
            ])
        )
        #expect(await refusal(provider) == nil)
        #expect(provider.asked("/.well-known/openid-configuration") == 1)
    }

    @Test("A server that keeps talking to a stranger is not waited for")
    func endless() async throws {
        let provider = try FakeProvider()
        provider.instead("/mcp", .close(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + [UInt8](repeating: 65, count: 300_000)))
        #expect(await refusal(provider) == nil)
    }

    @Test(
        "Metadata about another issuer is refused, however alike",
        arguments: [
            "https://evil.example", "ORIGIN//", "ORIGIN/?", "ORIGIN#", "ORIGIN/x/", "HTTP://127.0.0.1", "",
        ]
    )
    func issuer(text: String) async throws {
        let provider = try FakeProvider()
        let issuer = text.replacing("ORIGIN", with: provider.origin)
        provider.change { $0.serverChanges = ["issuer": .text(issuer)] }
        #expect(await refusal(provider)?.kind == .badMetadata)
    }

    @Test("The slash of an empty path makes no other issuer, whichever of the two writes it")
    func emptyPath() async throws {
        let provider = try FakeProvider()
        let origin = provider.origin
        provider.change { $0.serverChanges = ["issuer": .text(origin + "/")] }
        #expect(await refusal(provider) == nil)
        provider.change { state in
            state.serverChanges = [:]
            state.resourceChanges = ["authorization_servers": [.text(origin + "/")]]
        }
        #expect(await refusal(provider) == nil)
        #expect(!AuthorizationServer.isSame("https://a.example/t/", "https://a.example/t"))
        #expect(!AuthorizationServer.isSame("https:///", "https://"))
        #expect(!AuthorizationServer.isSame("https://a.example?", "https://a.example/?x"))
        #expect(!AuthorizationServer.isSame("https://a.example:443", "https://a.example"))
    }

    @Test("Neither does the case of scheme and host; that of a path does")
    func letterCase() async throws {
        #expect(AuthorizationServer.isSame("HTTPS://Login.A.example/", "https://login.a.example"))
        #expect(AuthorizationServer.isSame("https://A.example/T", "https://a.example/T"))
        #expect(!AuthorizationServer.isSame("https://a.example/T", "https://a.example/t"))
        // The sign of kelvin is a k in lower case, and no k.
        #expect(!AuthorizationServer.isSame("https://\u{212A}.example", "https://k.example"))
        let provider = try FakeProvider()
        let origin = provider.origin.replacing("http:", with: "HTTP:")
        provider.change { $0.serverChanges = ["issuer": .text(origin)] }
        #expect(await refusal(provider) == nil)
    }

    @Test("Where the first authorization server of a resource cannot be reached, the next is asked")
    func secondServer() async throws {
        let provider = try FakeProvider()
        let origin = provider.origin
        provider.change { $0.resourceChanges = ["authorization_servers": ["http://127.0.0.1:1", .text(origin)]] }
        #expect(await refusal(provider) == nil)
        // A server that is refused is not got round by naming another one behind it.
        provider.change { $0.resourceChanges = ["authorization_servers": ["https://10.0.0.1", .text(origin)]] }
        #expect(await refusal(provider)?.kind == .refusedAddress)
        // One that answers and describes itself nowhere is no authorization server either.
        let nobody = try RawServer { _ in .http(404) }
        provider.change { $0.resourceChanges = ["authorization_servers": [.text(nobody.origin), .text(origin)]] }
        #expect(await refusal(provider) == nil)
        provider.change { $0.resourceChanges = ["authorization_servers": [.text(nobody.origin)]] }
        #expect(await refusal(provider)?.kind == .badMetadata)
    }

    @Test(
        "Without PKCE by S256 there is no sign-in",
        arguments: [
            JSONValue.null, ["plain"], [], ["s256"], "S256",
        ]
    )
    func pkce(methods: JSONValue) async throws {
        let error = await refusal(try provider { $0.serverChanges = ["code_challenge_methods_supported": methods] })
        #expect(error?.kind == (methods.array == nil && !methods.isNull ? .badMetadata : .unsupported))
    }

    @Test(
        "Metadata about another resource is refused",
        arguments: [
            "https://evil.example/mcp", "ORIGIN/mc", "ORIGIN/mcp/x", "ORIGIN/other", "ORIGIN/mcp#f", "ORIGIN/mcp?a=b",
            "",
            "ORIGINx/mcp", "file:///mcp",
        ]
    )
    func resource(text: String) async throws {
        let provider = try FakeProvider()
        let resource = text.replacing("ORIGIN", with: provider.origin)
        provider.change { $0.resourceChanges = ["resource": .text(resource)] }
        #expect(await refusal(provider)?.kind == .badMetadata)
    }

    @Test(
        "A resource above the server, on the same origin, is one that covers it",
        arguments: ["ORIGIN", "ORIGIN/", "ORIGIN/mcp"]
    )
    func coveringResource(text: String) async throws {
        let provider = try FakeProvider()
        let resource = text.replacing("ORIGIN", with: provider.origin)
        provider.change { $0.resourceChanges = ["resource": .text(resource)] }
        #expect(await refusal(provider) == nil)
    }

    @Test(
        "Endpoints that are no plain web addresses, or lead into a private network, are refused",
        arguments: ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"],
        [
            "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "-oProxyCommand=x", "--help", "",
            "https://a.example/\r\nHost: evil", "https://a.example/ x", "https://a.example/#f", "//a.example/x",
            "http://a.example/x", "https://user:pw@a.example/", "https://10.0.0.1/", "https://192.168.1.1/x",
            "https://169.254.169.254/latest", "https://100.64.0.1/", "https://224.0.0.1/", "https://0.0.0.0/",
            "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/", "https://[fe80::1]/", "https://[fd00::1]/",
            "https://0xa9fea9fe/", "https://2852039166/", "https://0xa.0.0.1/", "http://10.0.0.1/",
        ]
    )
    func endpoints(name: String, url: String) async throws {
        let error = await refusal(try provider { $0.serverChanges = [JSONText(name): .text(url)] })
        #expect(error?.kind == .badMetadata || error?.kind == .refusedAddress)
        // What is refused is not repeated.
        #expect(url.utf8.count < 4 || !"\(error?.message ?? "")".contains(url))
    }

    @Test(
        "Without allow_loopback this machine is a private network too",
        arguments: [
            "https://127.0.0.1/", "https://localhost/", "https://a.localhost/x", "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/", "http://127.0.0.1/",
        ]
    )
    func loopback(url: String) throws {
        #expect(throws: OAuthError.self) { try AuthorizationServer.check(url, .publicOnly) }
        #expect(throws: Never.self) { try AuthorizationServer.check(url, .loopbackToo) }
    }

    @Test(
        "A name that leads to a private address is noticed when it is asked",
        arguments: [
            "10.0.0.1", "169.254.169.254", "127.0.0.1", "::ffff:10.0.0.1",
        ]
    )
    func names(address: String) async throws {
        let fetcher = Fetcher(proxies: .none, resolving: ["mcp.example:443:\(address)"])
        let server = ProtectedServer(alias: "a", url: "https://mcp.example/mcp", allowsLoopback: false)
        let error = await Desktop.error { _ = try await Discovery(of: server, fetcher: fetcher).find() }
        #expect(error?.kind == .refusedAddress)
    }

    @Test("Redirects of metadata are not followed, wherever they lead")
    func redirects() async throws {
        for place in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"] {
            let provider = try FakeProvider()
            provider.instead(place, .http(302, ["Location: \(provider.origin)/elsewhere"]))
            #expect(await refusal(provider)?.kind == .badMetadata)
            #expect(provider.asked("/elsewhere") == 0)
        }
    }

    @Test("A megabyte of metadata, and metadata with two readings, are refused")
    func shapes() async throws {
        let long = #"{"issuer":"\#(String(repeating: "a", count: 1 << 20))"}"#
        for body in [
            long, #"{"issuer":"a","issuer":"b"}"#, #"{"a":1,}"#, "[]", "", String(repeating: "[", count: 9999),
        ] {
            let provider = try FakeProvider()
            provider.instead(
                "/.well-known/oauth-authorization-server",
                .http(200, ["Content-Type: application/json"], body: body)
            )
            #expect(await refusal(provider)?.kind == .badMetadata)
        }
    }

    @Test("A server that is down is another matter than one that is refused")
    func down() async throws {
        let provider = try FakeProvider()
        provider.instead("/.well-known/oauth-authorization-server", .http(503))
        #expect(await refusal(provider)?.kind == .unavailable)
        let gone = try FakeProvider()
        gone.server.end()
        #expect(await refusal(gone)?.kind == .unavailable)
    }

    @Test(
        "Challenges of several schemes, quoted or not",
        arguments: [
            ("Bearer resource_metadata=\"https://a/b\", scope=\"x y\"", "https://a/b", ["x", "y"]),
            ("bearer error=invalid_token,resource_metadata=https://a/b", "https://a/b", []),
            ("Basic realm=\"Bearer x=\\\"\", Bearer resource_metadata=\"https://a/b\"", "https://a/b", []),
            (
                "Bearer resource_metadata=\"https://a/b\", Basic realm=\"x\", resource_metadata=\"https://c\"",
                "https://a/b", []
            ),
            ("Negotiate abc==, Bearer scope=x", nil, ["x"]), ("Bearer", nil, []),
        ] as [(String, String?, [String])]
    )
    func challenges(value: String, metadata: String?, scopes: [String]) throws {
        let challenge = try #require(BearerChallenge([value]))
        #expect(challenge.resourceMetadata == metadata)
        #expect(challenge.scopes == scopes)
    }

    @Test(
        "What is not a challenge, or one with two readings, is ignored",
        arguments: [
            "", "Basic realm=x", "Bearer a=\"open", "Bearer scope=a, scope=b", "Bearerx scope=a", "Bearer =x",
        ]
    )
    func noChallenges(value: String) {
        #expect(BearerChallenge([value]) == nil)
    }
}
