internal import Glibc

/// Whose programs run in sandboxes, and what of this machine none of them may see.
package struct SandboxUser: Sendable {
    /// The user's home folder, as the environment names it.
    package let home: String
    /// The value of a variable of the agent's own environment, which an entry may name.
    package let variable: @Sendable (String) -> String?
    /// Files and folders that stay hidden, also where an entry opens a folder above them: the agent's own, the keyring's,
    /// and the sockets of the session.
    package let hidden: [String]

    /// The user of this process.
    ///
    /// - Parameters:
    ///   - own: the agent's folders.
    ///   - variable: looks a variable of the environment up.
    package init(
        own: [String],
        variable: @escaping @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) {
        let home = variable("HOME").flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/"
        self.variable = variable
        self.home = home
        let runtime = variable("XDG_RUNTIME_DIR") ?? "/run/user/\(getuid())"
        let data = variable("XDG_DATA_HOME") ?? "\(home)/.local/share"
        let bus = variable("DBUS_SESSION_BUS_ADDRESS").map(Self.sockets) ?? []
        hidden = own + ["\(data)/keyrings", "\(data)/kwalletd", runtime] + bus
    }

    /// Where the home is in the sandbox: in the same place, so that what is opened of it is where programs look for it.
    var sandboxedHome: String {
        let system = [
            "/usr", "/proc", "/dev", "/sys", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/run", "/nonexistent",
        ]
        let isUsual = home.split(separator: "/").count > 0 && !system.contains { FilePaths.lies(home, in: $0) }
        return isUsual ? home : "/home/user"
    }

    /// A path as an entry spells it, made absolute.
    func path(_ spelled: String) -> String {
        spelled.hasPrefix("~/") ? "\(home == "/" ? "" : home)/\(spelled.dropFirst(2))" : spelled
    }

    /// The sockets in the address of a session bus that have a path: `unix:path=/tmp/dbus-x,guid=...;...`.
    private static func sockets(_ addresses: String) -> [String] {
        addresses.split(separator: ";").compactMap { address in
            address.split(whereSeparator: { $0 == ":" || $0 == "," }).first { $0.hasPrefix("path=/") }
                .map { String($0.dropFirst("path=".count)) }
        }
    }
}

/// What is asked of paths, and of the files behind them.
enum FilePaths {
    /// Whether a path is another one or inside of it.
    static func lies(_ path: String, in folder: String) -> Bool {
        path.split(separator: "/").starts(with: folder.split(separator: "/"))
    }

    /// Where a path leads with all links followed; nil where there is nothing.
    static func real(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    /// What a link contains; nil of anything else.
    static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { memory in
            guard let start = memory.baseAddress else { return nil }
            let count = readlink(path, start, memory.count)
            guard count > 0, count < memory.count else { return nil }
            return String(decoding: memory.prefix(count), as: UTF8.self)
        }
    }

    /// Whether there is a file that can be started.
    static func isProgram(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The folder that a path is in.
    static func parent(_ path: String) -> String {
        "/" + path.split(separator: "/").dropLast().joined(separator: "/")
    }
}
