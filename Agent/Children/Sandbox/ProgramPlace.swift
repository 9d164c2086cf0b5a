internal import Contract

/// Where a program is on this machine, and what it needs of the disk to run at all.
///
/// That is itself, its interpreter, and the folders that these were installed in. What is below `/usr` every sandbox has.
struct ProgramPlace: Sendable, Equatable {
    /// The program.
    let path: String
    /// Files and folders outside of `/usr`.
    private(set) var needs: [String] = []
    /// The folders in which the program finds others.
    private(set) var searched: [String]

    private static let system = ["/usr/local/bin", "/usr/bin", "/bin"]
    /// The longest way over links and interpreters.
    private static let mostSteps = 32

    /// Looks for a command.
    ///
    /// - Throws: where there is no such program.
    init(_ command: String, user: SandboxUser) throws(ChildFailure) {
        let local = "\(user.home == "/" ? "" : user.home)/.local/bin"
        let candidates = command.contains("/") ? [command] : (Self.system + [local]).map { "\($0)/\(command)" }
        guard let path = candidates.first(where: FilePaths.isProgram) else {
            throw ChildFailure(
                .missing,
                command.contains("/")
                    ? "\(command) is no program on this machine: install it, or have an administrator mend the entry."
                    : "There is no program \(command) in /usr/local/bin, /usr/bin or ~/.local/bin: install it."
            )
        }
        self.path = path
        var folders = [FilePaths.parent(path)]
        if let real = FilePaths.real(path) { folders.append(FilePaths.parent(real)) }
        searched = (folders + Self.system).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        var steps = 0
        follow(path, user, &steps)
    }

    /// Takes a file in, with everything that the kernel meets between its name and the code that runs.
    private mutating func follow(_ file: String, _ user: SandboxUser, _ steps: inout Int) {
        steps += 1
        guard steps <= Self.mostSteps else { return }
        need(file, user)
        if let target = FilePaths.link(file) {
            follow(target.hasPrefix("/") ? target : "\(FilePaths.parent(file))/\(target)", user, &steps)
        } else if let interpreter = interpreter(of: file) {
            follow(interpreter, user, &steps)
        }
        // Folders on the way may be links too, and interpreters ask where they really are.
        if let real = FilePaths.real(file), real != file { need(real, user) }
    }

    private mutating func need(_ file: String, _ user: SandboxUser) {
        guard !StdioCommand.lies(FilePaths.real(FilePaths.parent(file)) ?? file, in: "/usr") else { return }
        let needed = Self.prefix(of: file, user) ?? file
        if !needs.contains(needed) { needs.append(needed) }
    }

    /// The folder that an interpreter and its libraries were installed in, where `file` is a program of it.
    ///
    /// Never one with the home, the agent or the keyring in it: `~/.local` looks like such a folder too.
    private static func prefix(of file: String, _ user: SandboxUser) -> String? {
        let folder = FilePaths.parent(file)
        guard folder.hasSuffix("/bin") else { return nil }
        let prefix = FilePaths.parent(folder)
        let marks = ["pyvenv.cfg", "bin/python3", "bin/python", "bin/node", "bin/ruby", "bin/java", "lib/node_modules"]
        guard StdioCommand.lies(prefix, in: "/opt") || marks.contains(where: { FilePaths.exists("\(prefix)/\($0)") })
        else { return nil }
        let closed = [user.home] + user.hidden
        let real = FilePaths.real(prefix) ?? prefix
        let holdsClosed = closed.contains { each in
            StdioCommand.lies(each, in: prefix) || StdioCommand.lies(FilePaths.real(each) ?? each, in: real)
        }
        return holdsClosed || prefix == "/opt" ? nil : prefix
    }

    /// The program that a script names in its first line; of `#!/usr/bin/env NAME` the one that is found.
    private func interpreter(of file: String) -> String? {
        guard let line = FilePaths.firstLine(file), line.hasPrefix("#!") else { return nil }
        let words = line.dropFirst(2).split(separator: " ").map(String.init)
        guard let first = words.first, first.hasPrefix("/") else { return nil }
        guard first.hasSuffix("/env"), let name = words.dropFirst().first(where: { !$0.hasPrefix("-") }) else {
            return first
        }
        return searched.map { "\($0)/\(name)" }.first(where: FilePaths.isProgram)
    }
}
