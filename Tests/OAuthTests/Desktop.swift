import Addresses
import Fetch
import Foundation
import Keyring
import OAuth
import ServiceKit
import Synchronization
import Testing

/// A vault with a keyring in memory, a state folder, and a clock that a test can put forward; and a browser.
final class Desktop: Sendable {
    let store: MemorySecretStore
    let fetcher = Fetcher(proxies: .none)
    let folder: String
    private let skipped = Mutex<Int64>(0)
    private let seen = Mutex<[CredentialEvent]>([])

    init(store: MemorySecretStore = MemorySecretStore()) throws {
        self.store = store
        folder = NSTemporaryDirectory() + "dwo-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A program's vault; a second one is the same program after it was killed.
    func vault(isOwnPeer: @escaping @Sendable (Int32) -> Bool = { _ in true }) -> TokenVault {
        TokenVault(
            store: store,
            fetcher: fetcher,
            folder: "\(folder)/renewals",
            clock: MachineClock(
                wall: { [self] in MachineClock.system.wall() + skipped.withLock { $0 } * 1_000_000 },
                boot: { [self] in MachineClock.system.boot() + skipped.withLock { $0 } * 1_000_000_000 }
            ),
            isOwnPeer: isOwnPeer,
            events: { [self] event in seen.withLock { $0.append(event) } }
        )
    }

    /// Puts both clocks forward.
    func pass(seconds: Int64) { skipped.withLock { $0 += seconds } }

    var events: [CredentialEvent] { seen.withLock { $0 } }

    /// The codes of what failed.
    var failures: [String] {
        events.compactMap { if case .failed(_, _, let why) = $0 { why } else { nil } }
    }

    /// Opens an address as a browser does.
    @discardableResult
    func browse(_ url: String, headers: [(String, String)] = []) async throws -> FetchResponse {
        try await fetcher.fetch(
            FetchRequest("GET", url, headers: headers, timeout: .seconds(5), addresses: .loopbackToo)
        )
    }

    /// A vault that is signed in.
    func signedIn(to provider: FakeProvider) async throws -> TokenVault {
        let vault = vault()
        await vault.take([provider.protected()])
        let signIn = try await vault.signIn("a")
        try await browse(provider.consent(signIn.authorizationURL))
        try await signIn.wait()
        return vault
    }

    /// A server, a desktop, and its vault that is signed in.
    static func signedIn() async throws -> (FakeProvider, Desktop, TokenVault) {
        let (provider, desktop) = (try FakeProvider(), try Desktop())
        return (provider, desktop, try await desktop.signedIn(to: provider))
    }

    /// The same program after it was killed.
    func reborn(_ provider: FakeProvider) async -> TokenVault {
        let vault = vault()
        await vault.take([provider.protected()])
        return vault
    }

    /// What is thrown, if it is an `OAuthError`.
    static func error(_ body: () async throws -> Void) async -> OAuthError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? OAuthError
        }
    }
}

extension TokenVault {
    /// The token that there is now.
    var token: AccessToken? {
        if case .ready(let token) = current("a") { token } else { nil }
    }
}

extension TokenVault {
    /// Takes servers, and waits for what the keyring has for them.
    func take(_ servers: [ProtectedServer]) async {
        configure(servers)
        await load()
    }
}
