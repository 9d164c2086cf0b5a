import Errors
import Foundation
@testable import Keyring
import Testing

@Suite(
    "What is particular to one keyring",
    .serialized,
    .enabled(
        if: PrivateKeyring.isInstalled && PrivateKeyring.canFake,
        "a session bus and python3-gi are needed: ./packaging/dev test installs them"
    )
)
struct WalletTests {
    private let name = SecretName("a")
    private let secret: [UInt8] = [1, 2]

    /// A keyring that is called KWallet, and has a secret.
    private func wallet(_ habits: [String: String] = [:]) async throws -> PrivateKeyring {
        let keyring = try PrivateKeyring.fake(["program": "kwalletd5", "wallet": "1"])
        // What the person who runs this has set says nothing here.
        setenv("XDG_CONFIG_HOME", keyring.folder, 1)
        try await SecretService(namespace: "n").write(name, secret, label: "l", prompting: false)
        for (habit, value) in habits { try keyring.set(habit, value) }
        return keyring
    }

    @Test("A wallet that is open and called locked is opened without its user, one that is closed is not")
    func quietly() async throws {
        let keyring = try await wallet(["locked": "1", "wallet": "0"])
        defer { unsetenv("XDG_CONFIG_HOME") }
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .locked)
        #expect(try keyring.count("Unlock") == 0)
        try keyring.set("wallet", "1")
        #expect(await store.read(name, prompting: false) == .found(secret))
        #expect(try keyring.count("Unlock") == 1)
    }

    @Test("A wallet that asks in spite of being open is asked once, and again when it was closed meanwhile")
    func once() async throws {
        let keyring = try await wallet(["locked": "1", "prompt": "hang"])
        defer { unsetenv("XDG_CONFIG_HOME") }
        let store = SecretService(namespace: "n", deadline: .seconds(1))
        for _ in 0..<3 { #expect(await store.read(name, prompting: false) != .found(secret)) }
        #expect(await store.read(name, prompting: false) == .locked)
        #expect(try keyring.count("window") == 1)
        try keyring.set("wallet", "0")
        #expect(await store.read(name, prompting: false) == .locked)
        try keyring.set("wallet", "1")
        try keyring.set("prompt", "accept")
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("Whose user wants to be asked for programs is asked by nobody who was not told to")
    func asksForPrograms() async throws {
        let keyring = try await wallet(["locked": "1"])
        defer { unsetenv("XDG_CONFIG_HOME") }
        let settings = "[Wallet]\nPrompt on Open=true\n"
        try settings.write(toFile: "\(keyring.folder)/kwalletrc", atomically: true, encoding: .utf8)
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .locked)
        #expect(try keyring.count("Unlock") == 0)
        #expect(await store.read(name, prompting: true) == .found(secret))
        // Nor is it told to write: it would ask for that.
        let before = try keyring.count("wallet-open")
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(try keyring.count("wallet-open") == before)
        #expect(store.settling == .seconds(6))
    }

    @Test("What KWallet was given it is told to write at once, so that nothing has to be waited for")
    func flushed() async throws {
        let keyring = try await wallet()
        defer { unsetenv("XDG_CONFIG_HOME") }
        #expect(try keyring.count("wallet-sync") == 1)
        let store = SecretService(namespace: "n")
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(try keyring.count("wallet-sync") == 2)
        #expect(store.settling == .zero)
        try keyring.set("wallet", "0")
        try await store.write(name, [8], label: "l", prompting: false)
        #expect(store.settling == .seconds(6))
    }

    @Test(
        "The settings of KDE say whether it asks",
        arguments: [
            ("", false), ("[Wallet]\nEnabled=true\n", false), ("[Wallet]\nPrompt on Open=false\n", false),
            ("[Wallet]\nPrompt on Open=true\n", true), ("[Wallet]\n Prompt on Open[$i] = true \r\n", true),
            ("[Other]\nPrompt on Open=true\n", false), ("[Other]\n[Wallet]\nFirst Use=false\nPrompt on Open=1", true),
        ]
    )
    func settings(text: String, asks: Bool) {
        #expect(WalletSettings.asks(text) == asks)
    }

    @Test("A session that is refused, or lost when an entry is made, is opened anew")
    func sessions() async throws {
        let keyring = try PrivateKeyring.fake(["refuse": "2"])
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .absent)
        let sessions = try keyring.count("OpenSession")
        try keyring.set("refuse", "1")
        try await store.write(name, secret, label: "l", prompting: false)
        #expect(await store.read(name, prompting: false) == .found(secret))
        #expect(try keyring.count("CreateItem") == 2)
        #expect(try keyring.count("OpenSession") > sessions)
    }

    @Test("Which keyring has the secrets is known after a restart, and none takes its place by having none")
    func home() async throws {
        let keyring = try PrivateKeyring.fake(["program": "keepassxc"])
        let file = "\(keyring.folder)/keyring"
        try await SecretService(namespace: "n", file: file).write(name, secret, label: "l", prompting: false)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "KeePassXC\n")
        try keyring.unlock()
        let store = SecretService(namespace: "n", file: file)
        let reading = await store.read(name, prompting: true)
        #expect(reading == .elsewhere(.keepassXC))
        let error = KeyringError(reading, store.provider)
        #expect(error?.kind == .unavailable)
        #expect(error?.message == "gnome-keyring answers as the keyring, and KeePassXC has what is looked for")
        // What is found or put there is there from then on.
        try await store.write(name, [7], label: "l", prompting: false)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "gnome-keyring\n")
        try await store.delete(name)
        #expect(await SecretService(namespace: "n", file: file).read(name, prompting: false) == .absent)
    }

    @Test("A file that says nothing of use is no reason for anything", arguments: ["", "\n", "\u{1B}[2J", "made-up\n"])
    func oddFile(text: String) async throws {
        let keyring = try PrivateKeyring.fake()
        let file = "\(keyring.folder)/keyring"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let store = SecretService(namespace: "n", file: file)
        let expected: SecretReading = text == "made-up\n" ? .elsewhere(.other("made-up")) : .absent
        #expect(await store.read(name, prompting: false) == expected)
        try await store.write(name, secret, label: "l", prompting: false)
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test(
        "An open store says so without asking; what is closed or kept to itself is asked for once, all of it together"
    )
    func opening() async throws {
        let keyring = try PrivateKeyring.fake()
        let store = SecretService(namespace: "n")
        for each in ["a", "b"] { try await store.write(SecretName(each), secret, label: "l", prompting: false) }
        try await store.open()
        #expect(try keyring.count("window") == 0)
        try keyring.set("guard", "1")
        let other = SecretService(namespace: "n")
        #expect(await other.read(name, prompting: false) == .guarded)
        try await other.open()
        #expect(try keyring.count("window") == 1)
        for each in ["a", "b"] { #expect(await other.read(SecretName(each), prompting: false) == .found(secret)) }
        try keyring.set("locked", "1")
        try keyring.set("prompt", "dismiss")
        await #expect(throws: KeyringError(.locked, "", next: "")) { try await other.open() }
        #expect(try keyring.count("window") == 2)
    }
}
