internal import Contract
internal import Glibc

/// What bubblewrap is told to run one program in: namespaces of its own, a read-only system, an empty home, no environment
/// but the entry's, and of everything else only what the entry opens.
struct Sandbox {
    let command: StdioCommand
    let place: ProgramPlace
    let opened: OpenedPaths
    let user: SandboxUser
    /// Values of secrets by the names of their variables.
    let secrets: [String: String]
    /// The numbers of the files that hold the list of users and of groups, in the process of bubblewrap.
    let usersFile: Int
    let groupsFile: Int

    /// What `/tmp`, the home and shared memory hold, each: they lie in memory.
    private static let roomBytes = "268435456"
    /// Processes and threads of one program: one that starts more and more of them takes none from others.
    private static let mostProcesses = 1024
    /// What a C library, TLS and time zones want of `/etc`; keys and passwords are not there.
    private static let settings = [
        "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/nsswitch.conf",
        "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/mime.types",
        "/etc/timezone", "/etc/fonts", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates",
        "/etc/ca-certificates.conf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/etc/crypto-policies",
    ]

    /// Everything that stands before the command.
    ///
    /// It goes to bubblewrap in a file and not in its argument list, which every
    /// user of the machine can read.
    var options: [String] {
        Self.namespaces + (command.hasNetwork ? [] : ["--unshare-net"]) + system + variables + openings
            // Last, since nothing can be mounted on what cannot be written to.
            + ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", user.sandboxedHome]
    }

    /// The command itself; its arguments may be seen, as those of any program.
    ///
    /// Three programs stand before it and become it. The first waits for an empty line, and ends where there comes none: while
    /// a sandbox is being made, bubblewrap's processes do not yet end with each other, and an agent that is killed then must
    /// not leave a program behind that runs. The others are of util-linux: where memory runs out it goes before the agent,
    /// and its processes are bounded. Both is done inside: outside, the bound would count all processes of the user, and the
    /// agent, into which nobody may look, cannot change its own score.
    var program: [String] {
        ["/bin/sh", "-c", "read -r _ && exec \"$@\"", "sh", "/usr/bin/choom", "-n", "800", "--", "/usr/bin/prlimit"]
            + ["--nproc=\(Self.mostProcesses)", "--", place.path] + command.arguments
    }

    /// What every sandbox begins with, and what has to work for one to be made.
    static let namespaces = [
        "--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
    ]

    private var system: [String] {
        var options = ["--ro-bind", "/usr", "/usr"]
        for name in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
            if let target = FilePaths.link(name) {
                options += ["--symlink", target, name]
            } else if FilePaths.exists(name) {
                options += ["--ro-bind", name, name]
            }
        }
        options += ["--proc", "/proc", "--dev", "/dev", "--size", Self.roomBytes, "--tmpfs", "/dev/shm"]
        options += ["--perms", "1777", "--size", Self.roomBytes, "--tmpfs", "/tmp", "--symlink", "../tmp", "/var/tmp"]
        for path in Self.settings { options += ["--ro-bind-try", path, path] }
        if command.hasNetwork { options += ["--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"] }
        // Programs read the zone's name out of this link.
        if let zone = FilePaths.link("/etc/localtime") { options += ["--symlink", zone, "/etc/localtime"] }
        options += ["--ro-bind-data", "\(usersFile)", "/etc/passwd", "--ro-bind-data", "\(groupsFile)", "/etc/group"]
        return options + ["--perms", "0700", "--size", Self.roomBytes, "--tmpfs", user.sandboxedHome]
    }

    private var openings: [String] {
        var options: [String] = []
        for opening in opened.openings {
            options += [opening.isWritable ? "--bind" : "--ro-bind", opening.path, opening.path]
        }
        for path in opened.covered {
            options +=
                FilePaths.isFolder(path)
                ? ["--perms", "0500", "--tmpfs", path, "--remount-ro", path]
                : ["--ro-bind", "/dev/null", path]
        }
        return options
    }

    private var variables: [String] {
        var values = [
            ("PATH", place.searched.joined(separator: ":")), ("HOME", user.sandboxedHome), ("USER", Self.userName),
            ("LOGNAME", Self.userName), ("LANG", "C.UTF-8"),
        ]
        for entry in command.environment {
            let name = StdioCommand.name(of: entry)
            let fixed = entry.utf8.count > name.utf8.count ? String(entry.dropFirst(name.count + 1)) : nil
            if let value = fixed ?? user.variable(name) { values.append((name, value)) }
        }
        for name in command.secrets { values.append((name, secrets[name] ?? "")) }
        return ["--clearenv"] + values.flatMap { ["--setenv", $0.0, $0.1] }
    }

    private static let userName = "user"

    /// `/etc/passwd` as the program sees it: this user under no name.
    static func users(home: String) -> String {
        "\(userName):x:\(getuid()):\(getgid())::\(home):/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    }

    static var groups: String { "\(userName):x:\(getgid()):\nnogroup:x:65534:\n" }
}
