internal import Contract
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
        let isUsual = home.split(separator: "/").count > 0 && !system.contains { StdioCommand.lies(home, in: $0) }
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
