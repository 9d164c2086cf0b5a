import Contract
import Foundation
import Testing

@testable import Children

/// A folder of its own with a home in it.
struct Machine {
    let folder: String
    var home: String { "\(folder)/home" }

    init() throws {
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("children-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
        folder = base.resolvingSymlinksInPath().path
        try make("home/.local/share/keyrings/login.keyring")
        try make("home/.local/state/doorward/membership.json")
        try make("home/.ssh/id_ed25519")
        try make("home/notes/today.txt")
    }

    @discardableResult
    func make(_ path: String, _ content: String = "", isProgram: Bool = false) throws -> String {
        let file = "\(folder)/\(path)"
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        try content.write(toFile: file, atomically: true, encoding: .utf8)
        if isProgram { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file) }
        return file
    }

    func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(path)", withDestinationPath: target)
    }

    func user(_ variables: [String: String] = [:]) -> SandboxUser {
        let all = variables.merging(["HOME": home]) { given, _ in given }
        return SandboxUser(own: ["\(home)/.local/state/doorward"]) { all[$0] }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

@Suite("What a program is started in")
struct SandboxTests {
    private func options(_ command: StdioCommand, _ user: SandboxUser, secrets: [String: String] = [:]) throws
        -> [String]
    {
        let place = try ProgramPlace(command.command, user: user)
        return Sandbox(
            command: command,
            place: place,
            opened: try OpenedPaths(command, needs: place.needs, user: user),
            user: user,
            secrets: secrets,
            usersFile: 4,
            groupsFile: 5
        )
        .options
    }

    private func values(of option: String, in options: [String], count: Int = 2) -> [[String]] {
        options.indices.filter { options[$0] == option }.map { Array(options[($0 + 1)..<($0 + 1 + count)]) }
    }

    @Test("It has namespaces of its own, no capability, and the network only where the entry says so")
    func namespaces() throws {
        let machine = try Machine()
        defer { machine.remove() }
        let closed = try options(StdioCommand(command: "/usr/bin/true"), machine.user())
        for option in [
            "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
            "--unshare-net",
            "--disable-userns", "--die-with-parent", "--new-session", "--clearenv",
        ] {
            #expect(closed.contains(option), "\(option)")
        }
        #expect(values(of: "--cap-drop", in: closed, count: 1) == [["ALL"]])
        #expect(!closed.contains("/etc/resolv.conf"))
        let open = try options(StdioCommand(command: "/usr/bin/true", hasNetwork: true), machine.user())
        #expect(!open.contains("--unshare-net"))
        #expect(open.contains("/etc/resolv.conf"))
    }

    @Test("Its environment is what the entry names, and nothing of the agent's besides")
    func environment() throws {
        let machine = try Machine()
        defer { machine.remove() }
        let user = machine.user([
            "TZ": "Europe/Berlin", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "LD_PRELOAD": "/evil.so",
        ])
        let command = StdioCommand(
            command: "/usr/bin/true",
            environment: ["TZ", "MODE=a=b", "UNSET"],
            secrets: ["TOKEN"]
        )
        let options = try options(command, user, secrets: ["TOKEN": "s3cret"])
        let set = Dictionary(uniqueKeysWithValues: values(of: "--setenv", in: options).map { ($0[0], $0[1]) })
        #expect(Set(set.keys) == ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "MODE", "TOKEN"])
        #expect(set["TZ"] == "Europe/Berlin")
        #expect(set["MODE"] == "a=b")
        #expect(set["TOKEN"] == "s3cret")
    }

    @Test("What the entry opens is there at its own place, and what it does not open is not")
    func openings() throws {
        let machine = try Machine()
        defer { machine.remove() }
        let command = StdioCommand(
            command: "/usr/bin/true",
            readable: ["~/notes"],
            writable: ["\(machine.folder)/home/.ssh"]
        )
        let options = try options(command, machine.user())
        let notes = "\(machine.home)/notes"
        #expect(values(of: "--ro-bind", in: options).contains([notes, notes]))
        #expect(values(of: "--bind", in: options) == [["\(machine.home)/.ssh", "\(machine.home)/.ssh"]])
        #expect(values(of: "--tmpfs", in: options, count: 1).contains([machine.home]))
    }

    @Test("Who opens the whole home does not open the agent, the keyring or the bus in it")
    func hidden() throws {
        let machine = try Machine()
        defer { machine.remove() }
        let bus = try machine.make("home/bus")
        let user = machine.user(["DBUS_SESSION_BUS_ADDRESS": "unix:path=\(bus),guid=0"])
        let options = try options(StdioCommand(command: "/usr/bin/true", readable: [machine.home]), user)
        let covered = values(of: "--tmpfs", in: options, count: 1).map { $0[0] }
        #expect(covered.contains("\(machine.home)/.local/state/doorward"))
        #expect(covered.contains("\(machine.home)/.local/share/keyrings"))
        #expect(values(of: "--ro-bind", in: options).contains(["/dev/null", bus]))
        // Laid over what it hides, not under it.
        let opened = try #require(
            options.indices.first { options[$0] == "--ro-bind" && options[$0 + 1] == machine.home }
        )
        let cover = try #require(options.firstIndex(of: "\(machine.home)/.local/state/doorward"))
        #expect(opened < cover)
    }

    @Test("A path that is in the agent's folders, or is a link into them, is refused")
    func forbidden() throws {
        let machine = try Machine()
        defer { machine.remove() }
        try machine.link("home/notes/state", to: "\(machine.home)/.local/state/doorward")
        for path in ["~/.local/state/doorward", "~/.local/state/doorward/membership.json", "~/notes/state"] {
            #expect(throws: ChildFailure.self, "\(path)") {
                _ = try options(StdioCommand(command: "/usr/bin/true", readable: [path]), machine.user())
            }
        }
        #expect(throws: ChildFailure.self) {
            _ = try options(StdioCommand(command: "/usr/bin/true", readable: ["~/nowhere"]), machine.user())
        }
    }

    @Test("A program brings the folder that it was installed in, and never the home")
    func prefixes() throws {
        let machine = try Machine()
        defer { machine.remove() }
        try machine.make("base/bin/python3", "", isProgram: true)
        try machine.make("home/venv/pyvenv.cfg")
        try FileManager.default.createDirectory(atPath: "\(machine.home)/venv/bin", withIntermediateDirectories: true)
        try machine.link("home/venv/bin/python", to: "\(machine.folder)/base/bin/python3")
        let script = try machine.make("home/venv/bin/server", "#!\(machine.home)/venv/bin/python\n", isProgram: true)
        let place = try ProgramPlace(script, user: machine.user())
        #expect(place.needs == ["\(machine.home)/venv", "\(machine.folder)/base"])
        // `~/.local/bin` looks like such a folder where somebody has put an interpreter there.
        try machine.make("home/.local/bin/python3", "", isProgram: true)
        let local = try machine.make("home/.local/bin/tool", "#!/usr/bin/env python3\n", isProgram: true)
        let other = try ProgramPlace("tool", user: machine.user())
        #expect(other.path == local)
        #expect(!other.needs.contains("\(machine.home)/.local"))
        #expect(other.needs.contains(local))
        #expect(throws: ChildFailure.self) { try ProgramPlace("no-such-program", user: machine.user()) }
        #expect(throws: ChildFailure.self) { try ProgramPlace("\(machine.home)/notes/today.txt", user: machine.user()) }
    }

    @Test("Links that lead in a circle end")
    func circle() throws {
        let machine = try Machine()
        defer { machine.remove() }
        try machine.make("home/a/x", "#!\(machine.home)/a/x\n", isProgram: true)
        #expect(try ProgramPlace("\(machine.home)/a/x", user: machine.user()).needs == ["\(machine.home)/a/x"])
    }
}
