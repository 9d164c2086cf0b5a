import Errors
import Foundation
@testable import Keyring
import Testing

@Suite(
    "Keyrings with the habits of all providers",
    .serialized,
    .enabled(
        if: PrivateKeyring.isInstalled && PrivateKeyring.canFake,
        "a session bus and python3-gi are needed: ./packaging/dev test installs them"
    )
)
struct HabitTests {
    private let name = SecretName("a")
    private let secret: [UInt8] = [0, 1, 2, 255, 10, 0]

    private func stored(_ keyring: PrivateKeyring) async throws {
        try await SecretService(namespace: "n").write(name, secret, label: "Doorward test", prompting: false)
    }

    private func error(_ body: () async throws -> Void) async -> KeyringError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? KeyringError
        }
    }

    @Test("A closed keyring that shows a window for a search is not searched, and said to be locked at once")
    func closed() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        let before = try keyring.count("SearchItems")
        try keyring.set("window_search", "1")
        try keyring.set("locked", "1")
        let store = SecretService(namespace: "n")
        let begin = ContinuousClock.now
        #expect(await store.read(name, prompting: false) == .locked)
        #expect(await store.read(name, prompting: false, accepting: { _ in true }) == .locked)
        #expect(await error { try await store.write(name, [1], label: "l", prompting: false) } == .locked)
        #expect(await error { try await store.delete(name) } == .locked)
        #expect(ContinuousClock.now - begin < .seconds(4))
        #expect(try keyring.count("SearchItems") == before)
        #expect(try keyring.count("window") == 0)
        #expect(try keyring.count("Unlock") == 0)
        try keyring.set("locked", "0")
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("An item that is there is changed, by whichever connection, and never made anew")
    func changed() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        let store = SecretService(namespace: "n")
        try await store.write(name, [7], label: "Doorward test", prompting: false)
        #expect(await store.read(name, prompting: false) == .found([7]))
        #expect(try keyring.count("CreateItem") == 1)
        #expect(try keyring.count("SetSecret") == 1)
        #expect(try keyring.count("window") == 0)
    }

    @Test("Of two items of ours the newer one counts, the right one is found, and the next write leaves one")
    func copies() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("copy", "other")
        let store = SecretService(namespace: "n")
        let secret = secret
        #expect(await store.read(name, prompting: false) == .found(Array("other".utf8)))
        #expect(await store.read(name, prompting: false, accepting: { $0 == secret }) == .found(secret))
        #expect(await store.read(name, prompting: false, accepting: { $0 == [1] }) == .found(Array("other".utf8)))
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(try keyring.count("Delete") == 1)
        #expect(await store.read(name, prompting: false) == .found([7]))
    }

    @Test("An item of another program under our attributes is told apart, and neither changed nor removed")
    func foreign() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("schema", "org.example.Other")
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .foreign)
        try await store.delete(name)
        #expect(try keyring.count("Delete") == 0)
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(try keyring.count("SetSecret") == 0)
        #expect(await store.read(name, prompting: false) == .found([7]))
        try await store.delete(name)
        #expect(await store.read(name, prompting: false) == .foreign)
    }

    @Test("An item that its open keyring keeps to itself is told apart, opened where prompting is allowed, remembered")
    func guarded() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("guard", "1")
        try keyring.set("prompt", "dismiss")
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .guarded)
        let refused = await error { try await store.write(name, [1], label: "l", prompting: false) }
        #expect(refused?.kind == .locked)
        #expect(refused?.message.contains("wants to be asked for this entry") ?? false)
        #expect(try keyring.count("window") == 0)
        #expect(await store.read(name, prompting: true) == .guarded)
        try keyring.set("prompt", "accept")
        #expect(await store.read(name, prompting: true) == .found(secret))
        // For as long as the connection lives, which is that of the process.
        #expect(await store.read(name, prompting: false) == .found(secret))
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(try keyring.count("window") == 2)
        #expect(try keyring.count("CreateItem") == 1)
    }

    @Test(
        "A prompt that ends in whatever way ends the wait at once, and what has come of it is looked at",
        arguments: [
            ("accept", true), ("late", true), ("words", true), ("mute", true), ("dismiss", false), ("odd", false),
            ("gone", false),
        ]
    )
    func prompts(how: String, opens: Bool) async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("locked", "1")
        try keyring.set("prompt", how)
        let begin = ContinuousClock.now
        let reading = await SecretService(namespace: "n").read(name, prompting: true)
        #expect(reading == (opens ? .found(secret) : .locked))
        #expect(ContinuousClock.now - begin < .seconds(8))
        #expect(try keyring.count("window") == 1)
    }

    @Test("A keyring that vanishes under its prompt is not waited for")
    func vanishing() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("locked", "1")
        try keyring.set("prompt", "vanish")
        let begin = ContinuousClock.now
        let error = await error {
            try await SecretService(namespace: "n").write(name, [1], label: "l", prompting: true)
        }
        #expect(error?.kind == .unavailable)
        #expect(ContinuousClock.now - begin < .seconds(8))
        withExtendedLifetime(keyring) {}
    }

    @Test("A prompt that the user does not answer is waited for as long as typing may take, and taken back")
    func unanswered() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("locked", "1")
        try keyring.set("prompt", "hang")
        let store = SecretService(namespace: "n", patience: .seconds(3))
        let begin = ContinuousClock.now
        let reading = await store.read(name, prompting: true)
        #expect(reading == .unavailable("it does not answer") || reading == .locked)
        #expect(ContinuousClock.now - begin < .seconds(7))
        try keyring.wait(for: "the prompt to be taken back") { (try? keyring.count("Dismiss")) == 1 }
        // What does not ask the user need not wait behind it.
        #expect(await store.read(name, prompting: false) == .locked)
    }

    @Test("Where removing an entry would show a window, its secret is removed without one, and the entry used again")
    func guardedRemoval() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("window_delete", "1")
        let store = SecretService(namespace: "n")
        let secret = secret
        try await store.delete(name)
        #expect(await store.read(name, prompting: false) == .absent)
        #expect(await store.read(name, prompting: false, accepting: { $0 == secret }) == .absent)
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(await store.read(name, prompting: false) == .found([7]))
        #expect(try keyring.count("CreateItem") == 1)
        #expect(try keyring.count("window") == 0)
    }

    @Test("A secret without bytes is a closed wallet, not a lost one")
    func empty() async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set("empty", "1")
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .locked)
        #expect(await store.read(name, prompting: false, accepting: { _ in true }) == .locked)
    }

    @Test(
        "An answer of another type, and none at all, is a keyring that cannot be used and never one that has nothing",
        arguments: ["ReadAlias", "SearchItems", "GetSecret"],
        ["odd", "hang"]
    )
    func strange(method: String, habit: String) async throws {
        let keyring = try PrivateKeyring.fake()
        try await stored(keyring)
        try keyring.set(habit, method)
        let store = SecretService(namespace: "n", deadline: .seconds(1))
        let begin = ContinuousClock.now
        let reading = await store.read(name, prompting: true)
        guard case .unavailable = reading else { return #expect(Bool(false), "\(reading)") }
        #expect(ContinuousClock.now - begin < .seconds(4))
        try keyring.set(habit, "")
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("A write that is answered strangely is no success")
    func strangeWrites() async throws {
        let keyring = try PrivateKeyring.fake(["odd": "CreateItem"])
        let store = SecretService(namespace: "n")
        #expect(await error { try await store.write(name, [1], label: "l", prompting: true) }?.kind == .unavailable)
        try keyring.set("odd", "")
        try await store.write(name, [1], label: "l", prompting: false)
        try keyring.set("odd", "SetSecret")
        #expect(await error { try await store.write(name, [2], label: "l", prompting: true) }?.kind == .unavailable)
        try keyring.set("odd", "Delete")
        #expect(await error { try await store.delete(name) }?.kind == .unavailable)
    }

    @Test("There is one connection, and a new one when the keyring was started anew")
    func connection() async throws {
        let keyring = try PrivateKeyring.fake()
        let store = SecretService(namespace: "n")
        try await store.write(name, secret, label: "l", prompting: true)
        let sessions = try keyring.count("OpenSession")
        for _ in 0..<5 { #expect(await store.read(name, prompting: true) == .found(secret)) }
        #expect(try keyring.count("OpenSession") == sessions)
        try keyring.startFake()
        // The same program, and it has nothing: that is an answer.
        #expect(await store.read(name, prompting: false) == .absent)
        #expect(store.provider == .other("python3"))
    }

    @Test("Where one keyring had a secret, another one under the same name proves nothing by having none")
    func anotherKeyring() async throws {
        let keyring = try PrivateKeyring.fake()
        let store = SecretService(namespace: "n")
        try await store.write(name, secret, label: "l", prompting: false)
        try keyring.unlock()
        #expect(
            await store.read(name, prompting: false)
                == .elsewhere(.other("python3"))
        )
        #expect(store.provider == .gnomeKeyring)
    }

    @Test("A wallet that is not the default becomes it, without a second one")
    func noDefault() async throws {
        let keyring = try PrivateKeyring.fake(["alias": "0"])
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .unavailable("it has no default collection"))
        #expect(try keyring.count("SetAlias") == 0)
        try await store.write(name, secret, label: "l", prompting: true)
        #expect(await store.read(name, prompting: false) == .found(secret))
        #expect(try keyring.count("CreateCollection") == 0)
    }
}

@Suite("What is said of a keyring")
struct ProviderTests {
    @Test("A program is known by the name of its process")
    func names() {
        #expect(KeyringProvider(program: "gnome-keyring-d") == .gnomeKeyring)
        #expect(KeyringProvider(program: "kwalletd5") == .kwallet)
        #expect(KeyringProvider(program: "kwalletd6") == .kwallet)
        #expect(KeyringProvider(program: "ksecretd") == .kwallet)
        #expect(KeyringProvider(program: "keepassxc") == .keepassXC)
        #expect(KeyringProvider(program: "oo7-\u{1B}[daemon") == .other("oo7-[daemon"))
    }

    @Test("No message asks for gnome-keyring beside another one", arguments: [KeyringProvider.kwallet, .keepassXC])
    func hints(provider: KeyringProvider) {
        let readings: [SecretReading] = [.locked, .guarded, .cancelled, .unavailable("x"), .corrupt, .foreign]
        for reading in readings {
            let error = KeyringError(reading, provider)
            let words = "\(error?.message ?? "") \(error?.next ?? "") \(provider.byHand)"
            #expect(!words.contains("gnome") && !words.contains("seahorse"), "\(words)")
        }
        #expect(provider.settling == .seconds(provider == .kwallet ? 6 : 1))
    }
}
