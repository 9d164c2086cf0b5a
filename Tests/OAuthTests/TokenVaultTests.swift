import Errors
import Fetch
import Foundation
import Keyring
import Kits
import ServiceKit
import Synchronization
import Testing

@testable import OAuth

@Suite("The tokens of a user")
struct TokenVaultTests {
    @Test("Everybody who waits gets one token from one renewal")
    func singleFlight() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        guard case .stale = vault.current("a") else { return #expect(Bool(false)) }
        let tokens = try await withThrowingTaskGroup(of: AccessToken.self) { group in
            for _ in 0..<50 { group.addTask { try await vault.renew("a", rejected: nil) } }
            return try await group.reduce(into: [AccessToken]()) { $0.append($1) }
        }
        #expect(Set(tokens.map(\.header)).count == 1)
        #expect(provider.counts.refreshes == 1)
        #expect(provider.counts.reuses == 0)
        #expect(vault.token == tokens[0])
        let credential = tokens[0].credential
        #expect(desktop.events.last == .refreshed(credential: credential, alias: "a"))
        // A later caller has it already.
        _ = try await vault.renew("a", rejected: nil)
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A token that the server refuses is renewed once for all who were refused it")
    func rejected() async throws {
        let (provider, _, vault) = try await Desktop.signedIn()
        let refused = try #require(vault.token)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let token = try await vault.renew("a", rejected: refused.header)
                    #expect(token.header != refused.header)
                }
            }
            try await group.waitForAll()
        }
        #expect(provider.counts.refreshes == 1)
    }

    @Test("A server that refuses every token does not get a new one without end")
    func rejectionLimit() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        var error: OAuthError?
        for _ in 0..<30 where error == nil {
            let token = try #require(vault.token)
            error = await Desktop.error { _ = try await vault.renew("a", rejected: token.header) }
        }
        #expect(error?.kind == .needsSignIn)
        #expect(provider.counts.refreshes == 10)
        desktop.pass(seconds: 61)
        let token = try #require(vault.token)
        _ = try await vault.renew("a", rejected: token.header)
    }

    @Test("A wall clock that jumps makes no token older or younger")
    func wallClock() throws {
        let grant = Grant(
            credential: "c",
            generation: 1,
            accessToken: "a",
            expires: 1100,
            obtained: 1000,
            refreshToken: "r",
            issuer: "",
            resource: "",
            tokenEndpoint: "",
            revocationEndpoint: nil,
            client: RegisteredClient(id: "i"),
            scopes: []
        )
        let second: Int64 = 1_000_000_000
        let held = HeldGrant(grant, wall: 1000, boot: 50 * second)
        #expect(held.state(at: 50 * second) == .ready(grant.token))
        #expect(held.state(at: 130 * second) == .ready(grant.token))
        #expect(held.state(at: 141 * second) == .stale(credential: "c"))
        #expect(!held.isOver(at: 149 * second))
        #expect(held.isOver(at: 150 * second))
    }

    @Test("A keyring that is locked at the start is waited for; one that locks later stops only what is renewed")
    func locked() async throws {
        let (provider, desktop, _) = try await Desktop.signedIn()
        desktop.store.condition = .locked
        let vault = await desktop.reborn(provider)
        #expect(vault.current("a") == .locked)
        #expect(await Desktop.error { _ = try await vault.renew("a", rejected: nil) }?.kind == .locked)
        let running = Task { await vault.run() }
        desktop.store.condition = .open
        for _ in 0..<100 where vault.token == nil { try await Task.sleep(for: .milliseconds(50)) }
        #expect(vault.token != nil)
        desktop.store.condition = .locked
        try await Task.sleep(for: .milliseconds(100))
        #expect(vault.token != nil)
        running.cancel()
    }

    @Test("A grant is for the server that it was made for")
    func anotherServer() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let elsewhere = ProtectedServer(alias: "a", url: "https://other.example/mcp", allowsLoopback: true)
        await vault.take([elsewhere])
        #expect(vault.current("a") == .needsSignIn)
        await vault.take([])
        #expect(vault.current("a") == .needsSignIn)
        // The grant stayed where it was.
        await vault.take([provider.protected()])
        #expect(vault.token != nil)
        #expect(desktop.store.names.count == 1)
    }

    @Test("A disconnect revokes the refresh token and forgets, also what cannot be revoked")
    func disconnect() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let credential = try #require(vault.token).credential
        let refresh = provider.state.withLock { $0.refresh }
        #expect(try await vault.disconnect("a").revocation == .revoked)
        #expect(provider.state.withLock { $0.revocations } == [refresh])
        #expect(vault.current("a") == .needsSignIn)
        #expect(desktop.store.names.isEmpty)
        #expect(desktop.events.last == .revoked(credential: credential, alias: "a", why: "user"))
        #expect(await Desktop.error { try await vault.disconnect("a") }?.kind == .needsSignIn)

        let (other, elsewhere, away) = try await Desktop.signedIn()
        other.instead("/revoke", .http(503))
        #expect(try await away.disconnect("a").revocation == .refused("status 503"))
        #expect(elsewhere.store.names.isEmpty)
        guard case .revoked(_, _, "user_unconfirmed")? = elsewhere.events.last else { return #expect(Bool(false)) }
    }

    @Test("A grant of a server that has left the registry is revoked and forgotten; what never was is unknown")
    func disconnectFormer() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        let refresh = provider.state.withLock { $0.refresh }
        await vault.take([])
        #expect(try await vault.disconnect("a").revocation == .revoked)
        #expect(provider.state.withLock { $0.revocations } == [refresh])
        #expect(desktop.store.names.isEmpty)
        #expect(await Desktop.error { try await vault.disconnect("a") }?.kind == .unknownServer)
    }

    @Test("A disconnect during a renewal leaves nothing behind")
    func disconnectDuringRenewal() async throws {
        let (provider, desktop, vault) = try await Desktop.signedIn()
        desktop.pass(seconds: 4000)
        // The server has given new tokens when the disconnect begins, and they are not here yet.
        provider.change { $0.delay = 300 }
        async let renewed = Desktop.error { _ = try await vault.renew("a", rejected: nil) }
        try await Task.sleep(for: .milliseconds(150))
        _ = try await vault.disconnect("a")
        _ = await renewed
        #expect(vault.current("a") == .needsSignIn)
        #expect(desktop.store.names.isEmpty)
        #expect(provider.state.withLock { $0.revocations.last == $0.refresh })
    }

    @Test("No token is printed with what holds it")
    func descriptions() async throws {
        let (_, _, vault) = try await Desktop.signedIn()
        let token = try #require(vault.token)
        var dumped = ""
        dump(token, to: &dumped)
        dump(vault.current("a"), to: &dumped)
        let grants = await vault.grants.read("a")
        dump(grants, to: &dumped)
        #expect(!"\(token) \(String(reflecting: token)) \(grants) \(dumped)".contains("secret"))
    }

    @Test("A keyring that takes its time does not keep the servers waiting")
    func slowKeyring() async throws {
        let vault = TokenVault(
            store: SlowStore(),
            fetcher: Fetcher(proxies: .none),
            folder: "/nonexistent",
            isOwnPeer: { _ in true },
            events: { _ in }
        )
        let begin = ContinuousClock.now
        await vault.take([ProtectedServer(alias: "a", url: "https://a.example", allowsLoopback: false)])
        #expect(ContinuousClock.now - begin < .seconds(3))
        #expect(vault.current("a") == .locked)
    }

    private struct SlowStore: SecretStore {
        let custody = "slow"

        func read(
            _ name: SecretName,
            prompting: Bool,
            accepting isRight: (@Sendable ([UInt8]) -> Bool)?
        ) async -> SecretReading {
            try? await Task.sleep(for: .seconds(20))
            return .absent
        }

        func write(_ name: SecretName, _ secret: [UInt8], label: String, prompting: Bool) async throws {}

        func delete(_ name: SecretName) async throws {}
    }
}
