internal import Contract
internal import StrictJSON

/// The command that a package of a `server.json` is, as an agent starts it.
///
/// Agents download nothing: either the organisation has installed the program, or the command itself is one that gets the
/// package when it starts, which an administrator then has asked for.
struct PackageCommand {
    let package: ServerDocument.Package
    let place: String

    /// The command.
    ///
    /// - Parameters:
    ///   - choice: what the administrator has chosen.
    ///   - values: what the administrator has given.
    /// - Returns: the command, without any word on the network.
    /// - Throws: `ShapeError` where no agent could start it.
    func command(_ choice: EntryChoice, _ values: inout InputValues) throws(ShapeError) -> StdioCommand {
        guard package.transport == "stdio" else {
            throw ShapeError("\(place)/transport/type", "is not stdio: agents start no servers that listen themselves")
        }
        var words = try start(choice)
        let command = words.removeFirst()
        for (index, argument) in package.arguments.enumerated() {
            let place = "\(place)/packageArguments/\(index)"
            guard let value = try values.value(of: argument.input, named: argument.label, at: place) else { continue }
            words += (argument.name.map { [$0] } ?? []) + (argument.name == nil || !value.isEmpty ? [value] : [])
        }
        var (environment, secrets): ([String], [String]) = ([], [])
        for (index, variable) in package.environment.enumerated() {
            let place = "\(place)/environmentVariables/\(index)"
            if variable.input.isSecret, variable.input.value == nil {
                secrets.append(variable.name)
            } else if let value = try values.value(of: variable.input, named: variable.name, at: place) {
                environment.append("\(variable.name)=\(value)")
            }
        }
        return StdioCommand(
            command: command,
            arguments: words,
            environment: environment,
            secrets: secrets,
            readable: choice.readable,
            writable: choice.writable
        )
    }

    /// The words before the package's own arguments.
    private func start(_ choice: EntryChoice) throws(ShapeError) -> [String] {
        if let command = choice.command { return [command] }
        let download = try download()
        guard choice.downloads else {
            throw ShapeError(
                place,
                "is a program: say which installed one it is (command), or have each machine get it (download)"
            )
        }
        guard choice.settings["network"]?.bool == true else {
            throw ShapeError("settings/network", "must be true, as \(download[0]) gets the package at each start")
        }
        return download
    }

    /// The command that gets the package and starts it.
    ///
    /// It names one version from the usual place. What that version needs besides is not pinned, and nobody but the
    /// place itself vouches for the bytes.
    func download() throws(ShapeError) -> [String] {
        guard let source = Self.sources[package.registry] else {
            throw ShapeError(
                "\(place)/registryType",
                "is \(package.registry), which no command gets that runs in the sandbox: name an installed program"
            )
        }
        guard package.hint == nil || package.hint == source.program else {
            throw ShapeError("\(place)/runtimeHint", "is not \(source.program)")
        }
        guard package.base == nil || [source.base, source.base + "/"].contains(package.base) else {
            throw ShapeError("\(place)/registryBaseUrl", "is not \(source.base), and \(source.program) asks no other")
        }
        guard package.runtimeArguments.isEmpty else {
            throw ShapeError("\(place)/runtimeArguments", "would let the package decide how \(source.program) works")
        }
        guard Self.isIdentifier(package.identifier) else {
            throw ShapeError("\(place)/identifier", "is no name of a package")
        }
        guard let version = package.version, version != "latest", Self.isVersion(version) else {
            throw ShapeError("\(place)/version", "must be one version, so that it is known what is started")
        }
        return [source.program] + source.options + ["\(package.identifier)@\(version)"]
    }

    /// A place that packages come from, and the program that gets them.
    private struct Source {
        let program: String
        let options: [String]
        let base: String
    }

    private static let sources = [
        "pypi": Source(program: "uvx", options: [], base: "https://pypi.org"),
        "npm": Source(program: "npx", options: ["--yes"], base: "https://registry.npmjs.org"),
    ]

    /// `name`, or `@scope/name` of npm.
    private static func isIdentifier(_ text: String) -> Bool {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isScoped = parts.count == 2 && parts[0].hasPrefix("@")
        guard isScoped || parts.count == 1 else { return false }
        if isScoped { parts[0] = parts[0].dropFirst() }
        return parts.allSatisfy { part in
            part.utf8.first.map(isLetterOrDigit) == true && part.utf8.count <= 214
                && part.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
        }
    }

    private static func isVersion(_ text: String) -> Bool {
        text.utf8.first.map(isLetterOrDigit) == true
            && text.utf8.allSatisfy { isLetterOrDigit($0) || ".+-_!".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
