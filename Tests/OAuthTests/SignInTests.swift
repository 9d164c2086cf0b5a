import Bytes
import Errors
import Fetch
import Foundation
import Keyring
import Kits
import ServiceKit
import StrictJSON
import Synchronization
import Testing

@testable import OAuth

@Suite("A sign-in")
struct SignInTests {
    /// A sign-in that has begun, with the two sides of it.
    private func begin(
        clientID: String? = nil,
        scopes: [String] = [],
        _ change: @Sendable (inout FakeProvider.State) -> Void = { _ in }
    ) async throws -> (FakeProvider, Desktop, TokenVault, SignIn) {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        provider.change(change)
        let vault = desktop.vault()
        await vault.take([provider.protected(clientID: clientID, scopes: scopes)])
        return (provider, desktop, vault, try await vault.signIn("a"))
    }

    private func fields(_ signIn: SignIn) throws -> [String: String] {
        try #require(WebURL(signIn.authorizationURL)?.query.flatMap { FormBody.decode($0) })
    }

    @Test("Registers, proves its key, names the resource in every request, and stores what came")
    func whole() async throws {
        let (provider, desktop, vault, signIn) = try await begin()
        #expect(vault.current("a") == .needsSignIn)
        try await desktop.browse(provider.consent(signIn.authorizationURL))
        try await signIn.wait()
        let token = try #require(vault.token)
        #expect(String(decoding: token.header, as: UTF8.self).hasPrefix("Bearer access-"))
        #expect(desktop.events == [.granted(credential: token.credential, alias: "a")])
        #expect(provider.counts.complaints.isEmpty)
        #expect(provider.state.withLock { $0.resources } == [provider.url, provider.url])
        #expect(desktop.store.names.count == 1)
        // The id of a credential is not made of its token.
        #expect(token.credential.count == 32)
    }

    @Test("The request of the browser has everything that it must have, each once")
    func request() async throws {
        let (_, _, _, signIn) = try await begin(scopes: ["read", "write"])
        let fields = try fields(signIn)
        #expect(fields["response_type"] == "code")
        #expect(fields["code_challenge_method"] == "S256")
        #expect(fields["code_challenge"]?.utf8.count == 43)
        #expect(try #require(fields["state"]).utf8.count >= 32)
        #expect(fields["scope"] == "read write")
        #expect(try #require(fields["redirect_uri"]).hasPrefix("http://127.0.0.1:"))
        #expect(try #require(fields["redirect_uri"]).hasSuffix("/callback"))
        signIn.cancel()
        let error = await Desktop.error { try await signIn.wait() }
        #expect(error?.kind == .timeout)
    }

    @Test("Scopes: the entry's, else the challenge's, else the metadata's, else none")
    func scopes() async throws {
        let all: @Sendable (inout FakeProvider.State) -> Void = {
            $0.challenge = ", scope=\"challenged\""
            $0.resourceChanges = ["scopes_supported": ["known", "\"bad\""]]
        }
        #expect(try fields(await begin(scopes: ["wanted"], all).3)["scope"] == "wanted")
        #expect(try fields(await begin(all).3)["scope"] == "challenged")
        #expect(
            try fields(await begin { $0.resourceChanges = ["scopes_supported": ["known", "\"bad\""]] }.3)["scope"]
                == "known"
        )
        #expect(try fields(await begin().3)["scope"] == nil)
    }

    @Test("A client that was registered beforehand is used as it is")
    func preregistered() async throws {
        let (provider, desktop, _, signIn) = try await begin(clientID: "known")
        try await desktop.browse(provider.consent(signIn.authorizationURL))
        try await signIn.wait()
        #expect(provider.state.withLock { $0.registrations } == 0)
        #expect(try fields(signIn)["client_id"] == "known")
    }

    @Test("A secret that the server insists on is sent as the server wants it, and is kept in the keyring alone")
    func clientSecret() async throws {
        let (provider, desktop, vault, signIn) = try await begin { $0.secret = "s3:cret &x" }
        try await desktop.browse(provider.consent(signIn.authorizationURL))
        try await signIn.wait()
        provider.change { $0.lifetime = 3600 }
        desktop.pass(seconds: 4000)
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.complaints.isEmpty)
    }

    @Test("The port is bound before the address is known to anybody, and closed after the one answer")
    func oneAnswer() async throws {
        let (provider, desktop, vault, signIn) = try await begin()
        let callback = try provider.consent(signIn.authorizationURL)
        let page = try await desktop.browse(callback)
        #expect(page.status == 200)
        let text = String(decoding: page.body, as: UTF8.self)
        #expect(!text.contains("<script"))
        #expect(!text.contains("code-"))
        try await signIn.wait()
        let token = vault.token
        // The same answer again, and another code with the same state: the port is closed.
        await #expect(throws: FetchError.self) { try await desktop.browse(callback) }
        await #expect(throws: FetchError.self) {
            try await desktop.browse(provider.consent(signIn.authorizationURL))
        }
        #expect(vault.token == token)
    }

    @Test("A stranger's code, before the browser comes, changes nothing", arguments: ["none", "wrong", "empty"])
    func injection(kind: String) async throws {
        let (provider, desktop, vault, signIn) = try await begin()
        let redirect = try #require(fields(signIn)["redirect_uri"])
        let state = kind == "none" ? "" : kind == "empty" ? "&state=" : "&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        let answer = try await desktop.browse("\(redirect)?code=evil\(state)&iss=\(FormBody.escaped(provider.origin))")
        #expect(answer.status == 400)
        #expect(provider.asked("/token") == 0)
        try await desktop.browse(provider.consent(signIn.authorizationURL))
        try await signIn.wait()
        #expect(vault.token != nil)
    }

    @Test("A code of another's sign-in, with our state, does not pass the proof of the key")
    func foreignCode() async throws {
        let (provider, desktop, vault, signIn) = try await begin()
        let (_, _, _, other) = try await begin()
        let foreign = try provider.consent(other.authorizationURL)
        let code = try #require(WebURL(foreign)?.query.flatMap { FormBody.decode($0) }?["code"])
        try await desktop.browse(provider.consent(signIn.authorizationURL, changing: ["code": code]))
        let error = await Desktop.error { try await signIn.wait() }
        #expect(error?.kind == .denied)
        #expect(vault.token == nil)
        #expect(desktop.failures == ["authorization_denied"])
    }

    @Test(
        "The answer of another authorization server is not looked at (RFC 9207)",
        arguments: [nil, "https://evil.example", "", "ORIGIN//"],
        [nil, "server_error"]
    )
    func mixUp(issuer: String?, failure: String?) async throws {
        // An error that comes without an issuer is told: it brings nothing that could be exchanged.
        guard issuer != nil || failure == nil else { return }
        let (provider, desktop, vault, signIn) = try await begin()
        let issuer = issuer?.replacing("ORIGIN", with: provider.origin)
        let changes: [String: String?] = ["iss": issuer, "error": failure]
        try await desktop.browse(provider.consent(signIn.authorizationURL, changing: changes))
        let error = await Desktop.error { try await signIn.wait() }
        #expect(error?.kind == .badRedirect)
        #expect(provider.asked("/token") == 0)
        #expect(vault.token == nil)
    }

    @Test("An error is told with the server's own words, also by a server that then forgets to name itself")
    func refusalWithoutIssuer() async throws {
        let (provider, desktop, _, signIn) = try await begin()
        let changes: [String: String?] = [
            "iss": nil, "error": "invalid_request", "error_description": "nonce required", "code": nil,
        ]
        try await desktop.browse(provider.consent(signIn.authorizationURL, changing: changes))
        let error = await Desktop.error { try await signIn.wait() }
        #expect(error?.kind == .denied)
        #expect(error?.message.contains("invalid_request: \"nonce required\"") == true)
        #expect(provider.asked("/token") == 0)
    }

    @Test("A description that is no plain line is not shown", arguments: ["a\nb", "caf\u{E9}", "\u{9B}31m", ""])
    func description(text: String) async throws {
        let (provider, desktop, _, signIn) = try await begin()
        let changes: [String: String?] = ["error": "access_denied", "error_description": text, "code": nil]
        try await desktop.browse(provider.consent(signIn.authorizationURL, changing: changes))
        let error = await Desktop.error { try await signIn.wait() }
        #expect(error?.message == "The sign-in was refused (access_denied).")
    }

    @Test("A request for the scope openid has a nonce, another one that is new each time; others have none")
    func nonce() async throws {
        let openID: @Sendable (inout FakeProvider.State) -> Void = {
            $0.resourceChanges = ["scopes_supported": ["openid", "mcp"]]
        }
        func nonces(_ change: @escaping @Sendable (inout FakeProvider.State) -> Void) async throws -> [Substring] {
            let (_, _, _, signIn) = try await begin(change)
            let fields = signIn.authorizationURL.split(separator: "?").last?.split(separator: "&") ?? []
            return fields.filter { $0.hasPrefix("nonce=") }
        }
        let first = try await nonces(openID)
        #expect(first.count == 1)
        #expect(try await nonces(openID) != first)
        #expect(try await nonces { _ in }.isEmpty)
    }

    @Test("A server that does not promise to name itself may leave it out, but not name another")
    func issuerNotPromised() async throws {
        let quiet: @Sendable (inout FakeProvider.State) -> Void = {
            $0.serverChanges = ["authorization_response_iss_parameter_supported": nil]
        }
        let (provider, desktop, _, signIn) = try await begin(quiet)
        try await desktop.browse(provider.consent(signIn.authorizationURL, changing: ["iss": nil]))
        try await signIn.wait()
        let (other, elsewhere, _, wrong) = try await begin(quiet)
        try await elsewhere.browse(other.consent(wrong.authorizationURL, changing: ["iss": "https://evil.example"]))
        #expect(await Desktop.error { try await wrong.wait() }?.kind == .badRedirect)
    }

    @Test("What a server says in its errors is not repeated, whatever it holds")
    func echo() async throws {
        let (provider, desktop, _, signIn) = try await begin()
        provider.instead(
            "/token",
            FakeProvider.json(["error": "invalid_grant", "error_description": "code-1-secret is wrong"], status: 400)
        )
        try await desktop.browse(provider.consent(signIn.authorizationURL))
        let error = try #require(await Desktop.error { try await signIn.wait() })
        #expect(!"\(error) \(error.next ?? "")".contains("secret"))
        let (other, elsewhere, _, refused) = try await begin()
        let changes: [String: String?] = ["code": nil, "error": "Your code-9-secret <script>"]
        try await elsewhere.browse(other.consent(refused.authorizationURL, changing: changes))
        let denied = try #require(await Desktop.error { try await refused.wait() })
        #expect(denied.kind == .denied)
        #expect(!"\(denied)".contains("secret"))
    }

    @Test("Answers of a token endpoint that are none give no sign-in")
    func badTokens() async throws {
        let answers: [RawAnswer] = [
            RawAnswer(body: #"{"access_token":"a","token_type":"mac"}"#),
            RawAnswer(body: #"{"access_token":"a b","token_type":"bearer"}"#),
            RawAnswer(body: #"{"access_token":"a\r\nX: y","token_type":"bearer"}"#),
            RawAnswer(body: #"{"access_token":"","token_type":"bearer"}"#),
            RawAnswer(body: #"{"access_token":"a","access_token":"b","token_type":"bearer"}"#),
            RawAnswer(body: #"access_token=a&token_type=bearer"#),
            RawAnswer(type: "text/html", body: #"{"access_token":"a","token_type":"bearer"}"#),
        ]
        for answer in answers {
            let (provider, desktop, vault, signIn) = try await begin()
            provider.instead("/token", .http(200, ["Content-Type: \(answer.type)"], body: answer.body))
            try await desktop.browse(provider.consent(signIn.authorizationURL))
            #expect(await Desktop.error { try await signIn.wait() } != nil, "\(answer.body)")
            #expect(vault.token == nil)
        }
    }

    private struct RawAnswer {
        var type = "application/json"
        let body: String
    }

    @Test("A keyring that is locked or away is told before anybody signs in")
    func keyring() async throws {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        let vault = desktop.vault()
        await vault.take([provider.protected()])
        desktop.store.condition = .locked
        #expect(await Desktop.error { _ = try await vault.signIn("a") }?.code == "keyring_locked")
        desktop.store.condition = .away
        #expect(await Desktop.error { _ = try await vault.signIn("a") }?.code == "keyring_unavailable")
        #expect(provider.server.requests.isEmpty)
        desktop.store.condition = .open
        #expect(await Desktop.error { _ = try await vault.signIn("b") }?.kind == .unknownServer)
    }

    @Test("A connection of another user is closed without an answer")
    func foreignPeer() async throws {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        let vault = desktop.vault(isOwnPeer: { _ in false })
        await vault.take([provider.protected()])
        let signIn = try await vault.signIn("a")
        await #expect(throws: FetchError.self) {
            try await desktop.browse(provider.consent(signIn.authorizationURL))
        }
        #expect(provider.asked("/token") == 0)
        signIn.cancel()
    }
}
