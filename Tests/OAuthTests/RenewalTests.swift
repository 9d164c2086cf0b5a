import Errors
import Foundation
import Keyring
import Kits
import ServiceKit
import Testing

@testable import OAuth

@Suite("A renewal against a server that does not do as it should")
struct RenewalTests {
    @Test(
        "Answers of a server that did not take the token cost a retry",
        arguments: [
            RawServer.Answer.http(429, ["Retry-After: 0"]), .http(503),
            .http(200, ["Content-Type: text/html"], body: "<p>"),
            .http(400, ["Content-Type: text/html"], body: "<p>"), .http(404),
            .http(302, ["Location: https://example.com"]),
        ]
    )
    func notTaken(answer: RawServer.Answer) async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        provider.instead("/token", answer, answer)
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.refreshes == 1)
        #expect(provider.counts.reuses == 0)
        #expect(desktop.failures.isEmpty)
    }

    @Test(
        "A success whose body breaks off, or that has no tokens, or is too long, spends the token",
        arguments: [
            Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"access".utf8),
            Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".utf8),
            Array("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n".utf8)
                + [UInt8](repeating: 0x20, count: 100_000),
        ]
    )
    func spent(answer: [UInt8]) async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let asked = provider.asked("/token")
        desktop.pass(seconds: 4000)
        provider.instead("/token", .close(answer))
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .needsSignIn)
        #expect(vault.current("a") == .needsSignIn)
        // Nor by anybody after it.
        _ = await Desktop.error { _ = try await vault.renew("a", rejected: nil) }
        _ = await Desktop.error { _ = try await desktop.reborn(provider).renew("a", rejected: nil) }
        #expect(provider.asked("/token") == asked + 1)
        #expect(desktop.failures == ["no_tokens"])
    }

    @Test("What the keyring would not give up is still not sent again by the next life")
    func sealed() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let asked = provider.asked("/token")
        desktop.pass(seconds: 4000)
        provider.instead("/token", .http(200, ["Content-Type: application/json"], body: "{}"))
        desktop.store.failDeletes(1)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .needsSignIn)
        let next = await desktop.reborn(provider)
        #expect(await Desktop.error { _ = try await next.renew("a", rejected: nil) }?.kind == .needsSignIn)
        #expect(provider.asked("/token") == asked + 1)
    }

    @Test("An answer that is lost: the token is sent once more, and never a third time")
    func lost() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let asked = provider.asked("/token")
        desktop.pass(seconds: 4000)
        provider.instead("/token", .close([]))
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.asked("/token") == asked + 2)
        desktop.pass(seconds: 4000)
        provider.instead("/token", .close([]), .close([]))
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .needsSignIn)
        #expect(provider.asked("/token") == asked + 4)
        #expect(desktop.failures == ["lost_twice"])
    }

    @Test("A program that was killed with a token under way sends it once more")
    func openIntent() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        let credential = try #require(vault.current("a").credential)
        let folder = IntentFolder(path: "\(desktop.folder)/renewals")
        #expect(folder.write(RefreshMachine.Intent(generation: 1, sends: 1), credential))
        let next = await desktop.reborn(provider)
        _ = try await next.renew("a", rejected: nil)
        #expect(folder.read(credential) == .intent(RefreshMachine.Intent(generation: 2, sends: 0)))
        desktop.pass(seconds: 4000)
        #expect(folder.write(RefreshMachine.Intent(generation: 2, sends: 2), credential))
        let asked = provider.asked("/token")
        let last = await desktop.reborn(provider)
        #expect(await Desktop.error { _ = try await last.renew("a", rejected: nil) }?.kind == .needsSignIn)
        #expect(provider.asked("/token") == asked)
    }

    @Test(
        "Tokens that the keyring does not take are kept, are not used, and nothing is sent for them again",
        arguments: [MemorySecretStore.WriteFailure.before, .silently]
    )
    func unstored(failure: MemorySecretStore.WriteFailure) async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        desktop.store.failWrites(failure)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .keyringUnavailable)
        #expect(provider.counts.refreshes == 1)
        await vault.storeLate("a")
        #expect(vault.token != nil)
        #expect(provider.counts.refreshes == 1)
        #expect(
            desktop.events.suffix(2) == [
                .failed(credential: vault.token?.credential, alias: "a", why: "keyring"),
                .refreshed(credential: try #require(vault.token).credential, alias: "a"),
            ]
        )
        // And the next life has them.
        let next = await desktop.reborn(provider)
        #expect(next.token == vault.token)
    }

    @Test("Tokens that the keyring loses after its word are stored again, and what was taken away is not")
    func lossAfterTheWord() async throws {
        let provider = try FakeProvider()
        let desktop = try Desktop(store: MemorySecretStore(settling: .milliseconds(50)))
        let vault = try await desktop.signedIn(to: provider)
        let before = desktop.store.contents
        desktop.pass(seconds: 4000)
        let token = try await vault.renew("a", rejected: nil)
        desktop.store.contents = before
        while vault.grants.unsettled.due.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        await vault.settle()
        #expect(await desktop.reborn(provider).token == token)
        // What is written again can be lost again.
        desktop.store.contents = [:]
        while vault.grants.unsettled.due.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        await vault.settle()
        #expect(await desktop.reborn(provider).token == token)
        try await vault.disconnect("a")
        #expect(vault.grants.unsettled.take("a") == nil)
        await vault.settle()
        #expect(desktop.store.names.isEmpty)
        #expect(provider.counts.reuses == 0)
    }

    @Test("An entry that cannot be read is written again from memory, or replaced by a sign-in")
    func damagedEntry() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let name = try #require(desktop.store.names.first)
        desktop.store.contents = [name: [1, 2, 3]]
        desktop.pass(seconds: 4000)
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.refreshes == 1)
        #expect(await desktop.reborn(provider).token == vault.token)
        // With nothing in memory it opens nothing, and a sign-in takes its place.
        desktop.store.contents = [name: [1, 2, 3]]
        let next = try await desktop.signedIn(to: provider)
        #expect(await desktop.reborn(provider).token == next.token)
    }

    @Test("A wallet that answers with an empty secret is closed, and not without a sign-in")
    func emptySecret() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let name = try #require(desktop.store.names.first)
        let before = desktop.store.contents
        desktop.store.contents = [name: []]
        desktop.pass(seconds: 4000)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .locked)
        #expect(await desktop.reborn(provider).current("a") == .locked)
        desktop.store.contents = before
        desktop.pass(seconds: 3)
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.reuses == 0)
    }

    @Test("Tokens that could not be stored do not go to another server that takes the alias over")
    func unstoredAndMoved() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        desktop.store.failWrites(.before)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .keyringUnavailable)
        await vault.take([
            ProtectedServer(alias: "a", url: "https://other.example/mcp", allowsLoopback: true)
        ])
        await vault.storeLate("a")
        #expect(vault.current("a") == .needsSignIn)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A caller that asks for a server's token gets none that was renewed for the one before it")
    func movedDuringRenewal() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        provider.change { $0.delay = 300 }
        async let renewed = Desktop.error { _ = try await vault.renew("a", rejected: nil) }
        while provider.counts.refreshes == 0 { try await Task.sleep(for: .milliseconds(5)) }
        await vault.take([
            ProtectedServer(alias: "a", url: "https://other.example/mcp", allowsLoopback: true)
        ])
        #expect(await renewed?.kind == .unavailable)
        #expect(vault.current("a") == .needsSignIn)
        // It is the old server's, and there for it.
        await vault.take([provider.protected()])
        #expect(vault.token != nil)
    }

    @Test("A renewal that is under way when the program ends is waited for, and no other begins")
    func end() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        provider.change { $0.delay = 300 }
        let asking = Task { try await vault.renew("a", rejected: nil) }
        while provider.counts.refreshes == 0 { try await Task.sleep(for: .milliseconds(5)) }
        let ending = Task { await vault.end(atMost: .seconds(10)) }
        ending.cancel()
        await ending.value
        let token = try #require(vault.token)
        #expect(await desktop.reborn(provider).token == token)
        _ = try await asking.value
        desktop.pass(seconds: 4000)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .unavailable)
        #expect(provider.counts.refreshes == 1)
        #expect(provider.counts.reuses == 0)
    }

    @Test("A server that keeps its answer to itself does not keep the program from ending")
    func boundedEnd() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        provider.change { $0.delay = 3000 }
        let asking = Task { try await vault.renew("a", rejected: nil) }
        while provider.counts.refreshes == 0 { try await Task.sleep(for: .milliseconds(5)) }
        let begin = ContinuousClock.now
        await vault.end(atMost: .milliseconds(100))
        #expect(ContinuousClock.now - begin < .seconds(2))
        _ = try await asking.value
    }

    @Test("A write that was carried out although it failed is no loss")
    func lateFailure() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        desktop.store.failWrites(.after)
        _ = await Desktop.error { _ = try await vault.renew("a", rejected: nil) }
        let next = await desktop.reborn(provider)
        #expect(next.token != nil)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A grant that is gone at the server needs the user, and is forgotten")
    func invalidGrant() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        provider.change { $0.isAlive = false }
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.code == "needs_sign_in")
        #expect(vault.current("a") == .needsSignIn)
        #expect(desktop.store.names.isEmpty)
        #expect(desktop.failures == ["invalid_grant"])
    }

    @Test("What a grant was renewed to by an earlier life is found in the keyring, and nothing is sent")
    func foundInKeyring() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        let other = await desktop.reborn(provider)
        _ = try await other.renew("a", rejected: nil)
        let token = try await vault.renew("a", rejected: nil)
        #expect(token == other.token)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A token that is due and still good is used when no other is to be had")
    func lastResort() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let token = try #require(vault.token)
        desktop.pass(seconds: 3590)
        desktop.store.condition = .locked
        #expect(try await vault.renew("a", rejected: nil) == token)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: token.header) }?.kind != nil)
        desktop.pass(seconds: 30)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.code == "keyring_locked")
        desktop.pass(seconds: 120)
        desktop.store.condition = .open
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A server that stays busy is left alone for a while, without a record for each who asks meanwhile")
    func pause() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        provider.instead("/token", .http(429, ["Retry-After: 30"]))
        let asked = provider.asked("/token")
        for _ in 0..<5 {
            #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .unavailable)
        }
        #expect(provider.asked("/token") == asked + 1)
        #expect(desktop.failures == ["busy"])
        desktop.pass(seconds: 31)
        _ = try await vault.renew("a", rejected: nil)
    }
}

extension TokenState {
    fileprivate var credential: String? {
        switch self {
        case .ready(let token): token.credential
        case .stale(let credential): credential
        case .needsSignIn, .locked: nil
        }
    }
}
