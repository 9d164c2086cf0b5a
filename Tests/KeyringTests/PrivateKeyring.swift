import Foundation

/// A session bus of its own with gnome-keyring on it, in a folder that goes away with it.
///
/// The bus's address is put into this process's environment, where libsecret looks for it; so tests that use one run one
/// after the other.
final class PrivateKeyring {
    /// What is started must be installed; without it these tests can show nothing.
    static let isInstalled = ["dbus-daemon", "gnome-keyring-daemon", "gdbus"].allSatisfy { program in
        ["/usr/bin", "/usr/local/bin", "/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    private let folder: URL
    private var environment: [String: String]
    private var bus: Process?
    private var daemon: Process?

    init() throws {
        folder = URL(fileURLWithPath: "/tmp/dwk-\(UUID().uuidString.prefix(8))")
        for name in ["home", "run"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: name),
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
        environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder.appending(path: "home").path, "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": folder.appending(path: "run").path,
        ]
    }

    deinit {
        stopDaemon()
        bus?.terminate()
        unsetenv("DBUS_SESSION_BUS_ADDRESS")
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts a bus; always at the same address, so that a second one takes the place of the first.
    func startBus(activates: Bool = true) throws {
        let path = folder.appending(path: "run/bus").path
        try? FileManager.default.removeItem(atPath: path)
        let configuration = folder.appending(path: "bus.conf")
        try """
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig><type>session</type><listen>unix:path=\(path)</listen><auth>EXTERNAL</auth>
        \(activates ? "<standard_session_servicedirs/>" : "")
        <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
        </policy></busconfig>
        """.write(to: configuration, atomically: true, encoding: .utf8)
        environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=\(path)"
        setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=\(path)", 1)
        bus = try start("dbus-daemon", ["--config-file=\(configuration.path)", "--nofork", "--nopidfile"])
        try wait(for: "the bus") { FileManager.default.fileExists(atPath: path) }
    }

    func stopBus() {
        bus?.terminate()
        bus?.waitUntilExit()
        bus = nil
    }

    /// Starts a keyring and unlocks its collection, which the first time is made.
    func unlock() throws {
        stopDaemon()
        let shell = "printf door | exec gnome-keyring-daemon --unlock --components=secrets --foreground"
        daemon = try start("sh", ["-c", shell])
        try wait(for: "the collection") { self.isLocked == false }
    }

    func lock() throws {
        _ = try call(
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            "['/org/freedesktop/secrets/collection/login']"
        )
        try wait(for: "the lock") { self.isLocked == true }
    }

    /// Ends the keyring; the bus starts a locked one when it is asked for.
    func stopDaemon() {
        daemon?.terminate()
        daemon?.waitUntilExit()
        daemon = nil
    }

    /// The keyring keeps its name and answers nobody, while `body` runs.
    func frozen<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
        guard let pid = daemon?.processIdentifier else { throw CocoaError(.featureUnsupported) }
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        return try await body()
    }

    private var isLocked: Bool? {
        let answer = try? call(
            "/org/freedesktop/secrets/collection/login",
            "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Collection",
            "Locked"
        )
        return answer.map { $0.contains("true") }
    }

    private func call(_ path: String, _ method: String, _ arguments: String...) throws -> String {
        let output = Pipe()
        let process = try start(
            "gdbus",
            ["call", "--session", "--timeout", "5", "-d", "org.freedesktop.secrets", "-o", path, "-m", method]
                + arguments,
            output: output
        )
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileReadUnknown) }
        return String(decoding: data, as: UTF8.self)
    }

    private func start(_ program: String, _ arguments: [String], output: Pipe? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func wait(for what: String, _ probe: () -> Bool) throws {
        for _ in 0..<200 {
            if probe() { return }
            usleep(50_000)
        }
        throw CocoaError(.fileReadUnknown, userInfo: [NSLocalizedDescriptionKey: "\(what) did not come"])
    }
}
