import Errors
import Foundation
import Glibc
@testable import Keyring
import Testing

@Suite(
    "A real keyring in every state",
    .serialized,
    .enabled(
        if: PrivateKeyring.isInstalled,
        "gnome-keyring and a session bus are needed: ./packaging/dev test installs them"
    )
)
struct SecretServiceTests {
    private let name = SecretName("a")
    private let secret: [UInt8] = [0, 1, 2, 255, 10, 0]

    private func open() throws -> PrivateKeyring {
        let keyring = try PrivateKeyring()
        try keyring.startBus()
        try keyring.unlock()
        return keyring
    }

    private func error(_ body: () async throws -> Void) async -> KeyringFault? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? KeyringError)?.kind
        }
    }

    @Test("A secret of any bytes is found as it was, replaced, and gone after it was deleted")
    func lifeOfASecret() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .absent)
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        #expect(await store.read(name, prompting: false) == .found(secret))
        try await store.write(name, [7], label: "Doorward test", prompting: false)
        #expect(await store.read(name, prompting: false) == .found([7]))
        // Another home's secrets are another home's.
        #expect(await SecretService(namespace: "m").read(name, prompting: false) == .absent)
        try await store.delete(name)
        try await store.delete(name)
        #expect(await store.read(name, prompting: false) == .absent)
        withExtendedLifetime(keyring) {}
    }

    @Test("A locked keyring says that it is locked, never that there is nothing, and opens again by itself")
    func locking() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        try keyring.lock()
        #expect(await store.read(name, prompting: false) == .locked)
        #expect(await store.read(SecretName("never written"), prompting: false) == .locked)
        #expect(await error { try await store.write(name, [1], label: "l", prompting: false) } == .locked)
        // No user is there to be asked: the prompt is dismissed at once.
        #expect(await store.read(name, prompting: true) == .locked)
        #expect(await error { try await store.write(name, [1], label: "l", prompting: true) } == .locked)
        try keyring.unlock()
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("A keyring that was killed comes back locked, and is not taken for an empty one")
    func killed() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        keyring.stopDaemon()
        let reading = await store.read(name, prompting: false)
        #expect(reading == .locked, "\(reading)")
        try keyring.unlock()
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("Without a service, or without a bus, that is said at once")
    func absence() async throws {
        let store = SecretService(namespace: "n")
        let bare = try PrivateKeyring()
        try bare.startBus(activates: false)
        guard case .unavailable = await store.read(name, prompting: true) else { return #expect(Bool(false)) }
        #expect(await error { try await store.write(name, [1], label: "l", prompting: true) } == .unavailable)
        bare.stopBus()
        guard case .unavailable = await store.read(name, prompting: true) else { return #expect(Bool(false)) }
        unsetenv("DBUS_SESSION_BUS_ADDRESS")
        guard case .unavailable = await store.read(name, prompting: true) else { return #expect(Bool(false)) }
    }

    @Test("A keyring that hangs is given up in time, by everybody who waits, and found again when it answers")
    func hanging() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n", deadline: .seconds(1))
        let name = name
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        let begin = ContinuousClock.now
        try await keyring.frozen {
            await withTaskGroup(of: SecretReading.self) { group in
                for _ in 0..<4 { group.addTask { await store.read(name, prompting: true) } }
                for await reading in group {
                    guard case .unavailable = reading else { return #expect(Bool(false), "\(reading)") }
                }
            }
        }
        #expect(ContinuousClock.now - begin < .seconds(5))
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("The session bus may go away and come back under a running program")
    func busRestart() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        keyring.stopDaemon()
        keyring.stopBus()
        guard case .unavailable = await store.read(name, prompting: false) else { return #expect(Bool(false)) }
        try keyring.startBus()
        try keyring.unlock()
        #expect(await store.read(name, prompting: false) == .found(secret))
    }

    @Test("A bus that hangs is given up in time as well")
    func hangingBus() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n", deadline: .seconds(1))
        let name = name
        let begin = ContinuousClock.now
        let reading = try await keyring.busFrozen { await store.read(name, prompting: true) }
        guard case .unavailable = reading else { return #expect(Bool(false), "\(reading)") }
        #expect(ContinuousClock.now - begin < .seconds(5))
        #expect(await store.read(name, prompting: false) == .absent)
    }

    @Test("A keyring without a collection has nowhere to look and nowhere to store")
    func noCollection() async throws {
        let keyring = try PrivateKeyring()
        try keyring.startBus()
        try keyring.startUnused()
        let store = SecretService(namespace: "n")
        #expect(await store.read(name, prompting: false) == .unavailable("it has no default collection"))
        #expect(await error { try await store.write(name, [1], label: "l", prompting: false) } == .unavailable)
        // No user is there to be asked for a new one.
        #expect(await store.read(name, prompting: true) == .unavailable("it has no default collection"))
        #expect(await error { try await store.write(name, [1], label: "l", prompting: true) } == .unavailable)
        withExtendedLifetime(keyring) {}
    }

    @Test("What another program has made under our attributes does not hide ours")
    func foreignItem() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        let secret = secret
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        // Times of items are in seconds.
        try await Task.sleep(for: .seconds(1.1))
        try keyring.plant(namespace: "n", name: name.text, secret: "other")
        #expect(await store.read(name, prompting: false) == .found(secret))
        #expect(await store.read(name, prompting: false, accepting: { $0 == secret }) == .found(secret))
        try await store.write(name, [7], label: "Doorward test", prompting: false)
        #expect(await store.read(name, prompting: false) == .found([7]))
        // What cannot be looked at may be the right one.
        try keyring.lock()
        let reading = await store.read(name, prompting: false, accepting: { $0 == secret })
        #expect(reading == .locked, "\(reading)")
        try keyring.unlock()
    }

    @Test("Without files to spare the keyring is not asked, which would end the process, and is found again afterwards")
    func noFiles() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        try await store.write(name, secret, label: "Doorward test", prompting: false)
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #expect(getrlimit(resource, &limit) == 0)
        var original = limit
        // Other tests of this process may have any number of files open.
        let highest = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { UInt($0) }.max()
        limit.rlim_cur = try #require(highest) + 64
        #expect(setrlimit(resource, &limit) == 0)
        var files: [Int32] = []
        while true {
            let file = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { break }
            files.append(file)
        }
        for file in files.suffix(8) { close(file) }
        files.removeLast(8)
        let reading = await store.read(name, prompting: false)
        for file in files { close(file) }
        #expect(setrlimit(resource, &original) == 0)
        #expect(reading == .unavailable("too many files are open to ask it"))
        #expect(await store.read(name, prompting: false) == .found(secret))
        withExtendedLifetime(keyring) {}
    }

    @Test("Many conversations leave no connection behind")
    func descriptors() async throws {
        let keyring = try open()
        let store = SecretService(namespace: "n")
        func count() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        _ = await store.read(name, prompting: false)
        let before = try count()
        for _ in 0..<40 { _ = await store.read(name, prompting: false) }
        #expect(try count() <= before + 5)
        withExtendedLifetime(keyring) {}
    }

    @Test("A thread that hangs is left to itself, and others are told at once when too many do")
    func hangingThreads() async throws {
        let keyring = try open()
        let worker = KeyringWorker(deadline: .milliseconds(200))
        let release = DispatchSemaphore(value: 0)
        for _ in 0..<4 {
            let hung = await worker.run { _ in release.wait() }
            #expect(hung.value == nil)
        }
        let begin = ContinuousClock.now
        #expect(await worker.run { _ in 1 }.value == nil)
        #expect(ContinuousClock.now - begin < .milliseconds(100))
        for _ in 0..<4 { release.signal() }
        for _ in 0..<100 {
            if await worker.run({ _ in 1 }).value == 1 { return withExtendedLifetime(keyring) {} }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(Bool(false), "the worker did not recover")
    }

    @Test("What is printed of a reading is never the secret")
    func secrecy() {
        #expect(!"\(SecretReading.found(Array("hunter2".utf8)))".contains("104"))
        #expect("\(SecretReading.found([1]))" == "[found]")
        #expect(String(reflecting: SecretReading.found([1])) == "[found]")
    }
}
