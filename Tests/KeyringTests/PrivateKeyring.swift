import Foundation

/// A session bus of its own with gnome-keyring on it, in a folder that goes away with it.
///
/// The bus's address is put into this process's environment, where libsecret looks for it; so tests that use one run one
/// after the other.
final class PrivateKeyring {
    /// What is started must be installed; without it these tests can show nothing.
    static let isInstalled = ["dbus-daemon", "gnome-keyring-daemon", "gdbus", "secret-tool"].allSatisfy { program in
        ["/usr/bin", "/usr/local/bin", "/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    let folder = "/tmp/dwk-\(UUID().uuidString.prefix(8))"
    private(set) var environment: [String: String]
    private var bus: ChildProcess?
    var daemon: ChildProcess?

    init() throws {
        for name in ["home", "run"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)",
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
        environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "\(folder)/home", "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": "\(folder)/run",
        ]
        // Without a line feed at its end, which would belong to the password.
        try Data("door".utf8).write(to: URL(fileURLWithPath: "\(folder)/password"))
    }

    deinit {
        stopDaemon()
        bus?.stop()
        unsetenv("DBUS_SESSION_BUS_ADDRESS")
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts a bus; always at the same address, so that a second one takes the place of the first.
    func startBus(activates: Bool = true) throws {
        let path = "\(folder)/run/bus"
        unlink(path)
        try """
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig><type>session</type><listen>unix:path=\(path)</listen><auth>EXTERNAL</auth>
        \(activates ? "<standard_session_servicedirs/>" : "")
        <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
        </policy></busconfig>
        """.write(toFile: "\(folder)/bus.conf", atomically: true, encoding: .utf8)
        environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=\(path)"
        setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=\(path)", 1)
        bus = try start("dbus-daemon", "--config-file=\(folder)/bus.conf", "--nofork", "--nopidfile")
        try wait(for: "the bus") { self.owner(of: "org.freedesktop.DBus") != nil }
    }

    func stopBus() {
        bus?.stop(SIGKILL)
        bus = nil
    }

    /// The bus answers no call, while `body` runs.
    func busFrozen<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
        try await Self.frozen(bus?.pid, body)
    }

    /// Starts a keyring and unlocks its collection, which the first time is made.
    func unlock() throws {
        stopDaemon()
        daemon = try ChildProcess(
            ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"],
            environment,
            input: "\(folder)/password"
        )
        try wait(for: "the keyring") { self.owner(of: "org.freedesktop.secrets") == self.daemon?.pid }
        try wait(for: "the collection") { self.isLocked == false }
    }

    func lock() throws {
        try call("/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", "['\(Self.collection)']")
        try wait(for: "the lock") { self.isLocked == true }
    }

    /// Starts a keyring that was not used yet: it has no collection to store anything in.
    func startUnused() throws {
        stopDaemon()
        daemon = try ChildProcess(["gnome-keyring-daemon", "--components=secrets", "--foreground"], environment)
        try wait(for: "the keyring") { self.owner(of: "org.freedesktop.secrets") == self.daemon?.pid }
    }

    /// Ends the keyring, whichever program started it; the bus starts a locked one when it is asked for.
    func stopDaemon() {
        daemon?.stop(SIGKILL)
        daemon = nil
        guard let other = owner(of: "org.freedesktop.secrets") else { return }
        kill(other, SIGKILL)
        try? wait(for: "its end") { self.owner(of: "org.freedesktop.secrets") != other }
    }

    /// The keyring keeps its name and answers no call, while `body` runs.
    func frozen<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
        try await Self.frozen(daemon?.pid, body)
    }

    private static func frozen<Answer>(_ pid: pid_t?, _ body: () async throws -> Answer) async throws -> Answer {
        guard let pid else { throw POSIXError(.ESRCH) }
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        return try await body()
    }

    /// Puts a second item of the same name into another collection.
    func plant(namespace: String, name: String, secret: String) throws {
        let input = "\(folder)/secret"
        try Data(secret.utf8).write(to: URL(fileURLWithPath: input))
        let child = try ChildProcess(
            [
                "secret-tool", "store", "--collection=session", "--label=planted", "application", "doorward",
                "namespace", namespace, "name", name,
            ],
            environment,
            input: input
        )
        guard child.wait() == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private static let collection = "/org/freedesktop/secrets/collection/login"

    private var isLocked: Bool? {
        let answer = try? call(
            Self.collection,
            "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Collection",
            "Locked"
        )
        return answer.map { $0.contains("true") }
    }

    func owner(of name: String) -> pid_t? {
        let answer = try? call(
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.GetConnectionUnixProcessID",
            name,
            to: "org.freedesktop.DBus"
        )
        return answer.flatMap { $0.split(separator: " ").last }.flatMap { pid_t($0.filter(\.isNumber)) }
    }

    @discardableResult
    func call(
        _ path: String,
        _ method: String,
        _ arguments: String...,
        to destination: String = "org.freedesktop.secrets"
    ) throws -> String {
        let output = "\(folder)/answer"
        let child = try ChildProcess(
            ["gdbus", "call", "--session", "--timeout", "5", "-d", destination, "-o", path, "-m", method] + arguments,
            environment,
            output: output
        )
        guard child.wait() == 0 else { throw CocoaError(.fileReadUnknown) }
        return try String(contentsOfFile: output, encoding: .utf8)
    }

    private func start(_ arguments: String...) throws -> ChildProcess {
        try ChildProcess(arguments, environment)
    }

    func wait(for what: String, _ probe: () -> Bool) throws {
        for _ in 0..<200 {
            if probe() { return }
            usleep(50_000)
        }
        throw CocoaError(.fileReadUnknown, userInfo: [NSLocalizedDescriptionKey: "\(what) did not come"])
    }
}
