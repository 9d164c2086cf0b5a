import Foundation

/// A Secret Service whose habits a test sets (`Tests/EndToEnd/parts/secret_service.py`), in place of a real one.
extension PrivateKeyring {
    private static let python = "/usr/bin/python3"
    private static let program = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("EndToEnd/parts/secret_service.py").path

    /// Whether Debian's Python can serve on a bus.
    static let canFake: Bool = {
        let child = try? ChildProcess([python, "-c", "from gi.repository import Gio"], ["PATH": "/usr/bin:/bin"])
        return child?.wait() == 0
    }()

    static func fake(_ habits: [String: String] = [:]) throws -> PrivateKeyring {
        let keyring = try PrivateKeyring()
        try keyring.startBus(activates: false)
        try keyring.startFake()
        for (habit, value) in habits { try keyring.set(habit, value) }
        return keyring
    }

    func startFake() throws {
        stopDaemon()
        daemon = try ChildProcess([Self.python, Self.program], environment)
        try wait(for: "the service") { self.owner(of: "org.freedesktop.secrets") == self.daemon?.pid }
    }

    func set(_ habit: String, _ value: String) throws {
        try call("/fake", "dev.doorward.Fake.Set", habit, value)
    }

    /// What it was asked, and the windows that it has shown.
    func log() throws -> [String] {
        let answer = try call("/fake", "dev.doorward.Fake.Log")
        return answer.filter { !"()',".contains($0) }.replacingOccurrences(of: "\\n", with: " ").split(separator: " ")
            .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    func count(_ word: String) throws -> Int { try log().filter { $0 == word }.count }
}
