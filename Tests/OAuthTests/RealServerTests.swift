import Bytes
import Errors
import Foundation
import Keyring
import Kits
import ServiceKit
import StrictJSON
import Synchronization
import Testing

@testable import OAuth

@Suite("What real servers and keyrings do, and what a vault makes of it")
struct RealServerTests {
    @Test("A server that wants a secret of a public client too, when a token is taken back, gets the empty one")
    func revocation() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        provider.change { $0.revocationWantsSecret = true }
        let refresh = provider.state.withLock { $0.refresh }
        #expect(try await vault.disconnect("a").revocation == .revoked)
        #expect(provider.state.withLock { $0.revocations } == [refresh])
        guard case .revoked(_, _, "user")? = desktop.events.last else { return #expect(Bool(false)) }
    }

    @Test(
        "A server that takes nothing back is told apart from one that refuses, and from one that is away",
        arguments: [
            (nil, Revocation.notOffered), (RawServer.Answer.http(503), .refused("status 503")),
            (
                .http(
                    400,
                    ["Content-Type: application/json"],
                    body: #"{"error":"invalid_request","error_description":"no"}"#
                ),
                .refused(#"status 400, invalid_request: "no""#)
            ),
            (.http(200, ["Content-Type: text/html"], body: "<p>pay first"), .refused("status 200")),
            (.http(200, ["Content-Type: text/html"]), .revoked), (.http(204), .revoked), (.close([]), .unreachable),
        ]
    )
    func revocations(answer: RawServer.Answer?, revocation: Revocation) async throws {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        if let answer {
            provider.instead("/revoke", answer, answer)
        } else {
            provider.change { $0.serverChanges = ["revocation_endpoint": nil] }
        }
        let vault = try await desktop.signedIn(to: provider)
        #expect(try await vault.disconnect("a") == SignedOut(issuer: provider.origin, revocation: revocation))
        #expect(desktop.store.names.isEmpty)
    }

    @Test(
        "A server that refuses a renewal without a word is asked once a renewal, and believed after two minutes of it"
    )
    func wordless() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        let before = provider.asked("/token")
        for renewal in 1...3 {
            provider.instead("/token", .http(400))
            let error = await Desktop.error { _ = try await vault.renew("a", rejected: nil) }
            #expect(error?.kind == (renewal < 3 ? .unavailable : .needsSignIn))
            #expect(provider.asked("/token") == before + renewal)
            desktop.pass(seconds: 70)
        }
        #expect(vault.current("a") == .needsSignIn)
        #expect(desktop.failures.last == "refused_without_reason")
        // The grant stayed in the keyring, for a server that was only in trouble.
        #expect(desktop.store.names.count == 1)
    }

    @Test("A locked keyring stays locked, however often a refused token is asked for")
    func lockedAndRefused() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let token = try #require(vault.token)
        desktop.store.condition = .locked
        for _ in 0..<15 {
            let error = await Desktop.error { _ = try await vault.renew("a", rejected: token.header) }
            #expect(error?.kind == .locked)
            // Also before it is looked at again.
            desktop.pass(seconds: 1)
        }
        desktop.store.condition = .open
        desktop.pass(seconds: 2)
        #expect(try await vault.renew("a", rejected: token.header) != token)
        #expect(provider.counts.refreshes == 1)
    }

    @Test(
        "What waits for the keyring is told as that, and goes on at once when it was opened",
        arguments: [MemorySecretStore.Condition.locked, .away]
    )
    func waiting(condition: MemorySecretStore.Condition) async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        desktop.store.condition = condition
        #expect(!vault.waitsForKeyring("a"))
        for _ in 0..<2 {
            let error = await Desktop.error { _ = try await vault.renew("a", rejected: nil) }
            #expect(error?.kind == (condition == .locked ? .locked : .keyringUnavailable))
            #expect(error?.next == "doorward unlock")
            #expect(vault.waitsForKeyring("a"))
            #expect(vault.trouble("a")?.contains("doorward unlock") ?? false)
        }
        desktop.store.condition = .open
        await vault.keyringOpened()
        _ = try await vault.renew("a", rejected: nil)
        #expect(!vault.waitsForKeyring("a"))
        #expect(vault.trouble("a") == nil)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A keyring that goes back to an older state makes no program send what was answered, restarted or not")
    func rollback() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let old = desktop.store.contents
        desktop.pass(seconds: 4000)
        _ = try await vault.renew("a", rejected: nil)
        let new = desktop.store.contents
        desktop.store.contents = old
        desktop.pass(seconds: 4000)
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.refreshes == 2)
        #expect(provider.counts.reuses == 0)

        // Killed in between, what is newer is gone for good, and the old one would end the whole grant.
        desktop.store.contents = new
        desktop.pass(seconds: 4000)
        let reborn = await desktop.reborn(provider)
        #expect(await Desktop.error { _ = try await reborn.renew("a", rejected: nil) }?.kind == .needsSignIn)
        #expect(provider.counts.reuses == 0)
        #expect(desktop.failures.last == "keyring_lost_change")
    }

    @Test("A grant that the keyring does not have any more is put there again by the program that holds it")
    func absence() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.store.contents = [:]
        desktop.pass(seconds: 4000)
        let token = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.refreshes == 1)
        #expect(provider.counts.reuses == 0)
        #expect(await desktop.reborn(provider).token == token)
        // A program that holds none has nothing to put there.
        desktop.store.contents = [:]
        #expect(await desktop.reborn(provider).current("a") == .needsSignIn)
    }

    @Test("An empty secret is a closed wallet and no missing grant")
    func emptySecret() async throws {
        let (provider, desktop, _) = try await Desktop.signedIn()
        let kept = desktop.store.contents
        desktop.store.contents = kept.mapValues { _ in [] }
        let vault = await desktop.reborn(provider)
        #expect(vault.current("a") == .locked)
        desktop.store.contents = kept
        let running = Task { await vault.run() }
        for _ in 0..<100 where vault.token == nil { try await Task.sleep(for: .milliseconds(50)) }
        #expect(vault.token != nil)
        running.cancel()
    }

    @Test("A client that is registered with a port comes back to that port, sign-in after sign-in; a taken one is told")
    func fixedPort() async throws {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        var port: LoopbackRedirect? = try LoopbackRedirect { _ in true }
        let number = try #require(port?.url.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) })
        let vault = desktop.vault()
        let server = ProtectedServer(
            alias: "a",
            url: provider.url,
            clientID: "registered",
            redirectPort: number,
            allowsLoopback: true
        )
        await vault.take([server])
        #expect(await Desktop.error { _ = try await vault.signIn("a") }?.message.contains("Port \(number)") == true)
        port = nil
        for _ in 0..<2 {
            var signIn: SignIn?
            // The listener above ends with its last reference.
            for _ in 0..<100 where signIn == nil {
                signIn = try? await vault.signIn("a")
                if signIn == nil { try await Task.sleep(for: .milliseconds(20)) }
            }
            let begun = try #require(signIn)
            let redirect = FormBody.escaped("http://127.0.0.1:\(number)/callback")
            #expect(begun.authorizationURL.contains("redirect_uri=\(redirect)"))
            try await desktop.browse(provider.consent(begun.authorizationURL))
            try await begun.wait()
        }
    }
}
