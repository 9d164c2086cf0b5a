import Errors
import Foundation
import Keyring
import Kits
import ServiceKit
import StrictJSON
import Testing

@testable import OAuth

@Suite("A client that was registered beforehand and has a secret")
struct ClientSecretTests {
    private static let secret = "+ a:b%/c"

    private func begin(
        _ method: String = "client_secret_basic",
        _ change: @Sendable (inout FakeProvider.State) -> Void = { _ in }
    ) async throws -> (FakeProvider, Desktop, TokenVault) {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        provider.change {
            $0.known = (Self.secret, method)
            change(&$0)
        }
        let vault = desktop.vault()
        await vault.take([provider.protected(clientID: "known")])
        return (provider, desktop, vault)
    }

    /// Signs in; what is wrong where that does not come about.
    private func signIn(
        _ provider: FakeProvider,
        _ desktop: Desktop,
        _ vault: TokenVault,
        secret: String? = nil
    ) async -> OAuthError? {
        await Desktop.error {
            let signIn = try await vault.signIn("a", clientSecret: secret)
            try await desktop.browse(provider.consent(signIn.authorizationURL))
            try await signIn.wait()
        }
    }

    @Test(
        "It is sent in the way that the metadata names, and in the others where the server refuses that one",
        arguments: ["client_secret_basic", "client_secret_post", "bare"],
        [
            JSONValue.null, ["client_secret_basic"], ["client_secret_post"], ["none"], ["private_key_jwt"],
            ["client_secret_post", "client_secret_basic"],
        ]
    )
    func methods(method: String, named: JSONValue) async throws {
        let (provider, desktop, vault) = try await begin(method) {
            $0.serverChanges = ["token_endpoint_auth_methods_supported": named]
        }
        #expect(await signIn(provider, desktop, vault, secret: Self.secret) == nil)
        let basics = ["client_secret_basic", "bare"]
        let ways = named == ["client_secret_post"] ? ["client_secret_post"] + basics : basics + ["client_secret_post"]
        let asked = try #require(ways.firstIndex(of: method)) + 1
        #expect(provider.asked("/token") == asked)
        // What was found out holds for renewals too.
        desktop.pass(seconds: 4000)
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.asked("/token") == asked + 1)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("It is given once, and outlives the sign-in; a user who forgets it has to give it again")
    func kept() async throws {
        let (provider, desktop, vault) = try await begin()
        #expect(await signIn(provider, desktop, vault, secret: Self.secret) == nil)
        #expect(try await vault.disconnect("a").revocation == .revoked)
        #expect(desktop.store.names.count == 1)
        #expect(await signIn(provider, desktop, vault) == nil)
        // The same program after it was killed.
        let next = desktop.vault()
        await next.take([provider.protected(clientID: "known")])
        #expect(next.token != nil)
        #expect(try await next.forgetClientSecret("a"))
        #expect(try await !next.forgetClientSecret("a"))
        #expect(await signIn(provider, desktop, next)?.kind == .client)
        _ = try await next.disconnect("a")
        #expect(desktop.store.names.isEmpty)
    }

    @Test(
        "Without it, or with a wrong one, nothing is kept, and the user is told what to type",
        arguments: [nil, "wrong!"]
    )
    func refused(secret: String?) async throws {
        let (provider, desktop, vault) = try await begin()
        let error = try #require(await signIn(provider, desktop, vault, secret: secret))
        #expect(error.kind == .client)
        #expect(error.next?.hasPrefix("doorward connect a --client-secret-file FILE") == true)
        #expect(desktop.store.names.isEmpty)
        // The server's own words, unless they repeat what must not be shown.
        #expect(error.message.contains("invalid_client: \"not the client that is known here: 'nobody'\""))
        #expect(!error.message.contains("wrong!"))
    }

    @Test("It goes to no other authorization server, and to no other client of the same")
    func bound() async throws {
        let (provider, desktop, vault) = try await begin()
        #expect(await signIn(provider, desktop, vault, secret: Self.secret) == nil)
        let (other, _, _) = try await begin()
        await vault.take([other.protected(clientID: "known")])
        #expect(await signIn(other, desktop, vault)?.kind == .client)
        await vault.take([provider.protected(clientID: "unknown")])
        #expect(await signIn(provider, desktop, vault)?.kind == .client)
        let sent = (other.server.requests + provider.server.requests).filter { $0.hasPrefix("POST /token") }
        #expect(sent.count { $0.contains("Authorization: Basic") } == 1)
        await vault.take([provider.protected(clientID: "known")])
        #expect(await signIn(provider, desktop, vault) == nil)
    }

    @Test("A secret is refused for a client that registers itself")
    func dynamic() async throws {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        let vault = desktop.vault()
        await vault.take([provider.protected()])
        #expect(await signIn(provider, desktop, vault, secret: "secret")?.kind == .noClient)
        #expect(provider.server.requests.isEmpty)
    }

    @Test("A server that the registry has no more takes the secret along when its sign-in is given up")
    func gone() async throws {
        let (provider, desktop, vault) = try await begin()
        #expect(await signIn(provider, desktop, vault, secret: Self.secret) == nil)
        #expect(desktop.store.names.count == 2)
        await vault.take([])
        #expect(try await vault.disconnect("a").revocation == .revoked)
        #expect(desktop.store.names.isEmpty)
    }

    @Test("The item of the keyring is read back, and nothing else is read")
    func item() throws {
        let bytes = Array(#"{"client_id":"c","issuer":"https://a.example","secret":"s","v":1}"#.utf8)
        let secret = try #require(ClientSecret(bytes))
        #expect(ClientSecret(secret.json.bytes) == secret)
        #expect(secret.isFor("c", at: "https://A.example/"))
        #expect(!secret.isFor("d", at: "https://a.example"))
        #expect(!secret.isFor("c", at: "https://b.example"))
        #expect(!"\(secret)\(secret.debugDescription)".contains("\"s\""))
        for bad in ["", "{}", #"{"v":2,"client_id":"c","issuer":"i","secret":"s"}"#] {
            #expect(ClientSecret(Array(bad.utf8)) == nil)
        }
    }
}
