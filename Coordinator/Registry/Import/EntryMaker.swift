internal import Contract
internal import StrictJSON

/// Makes an entry of the registry from what a server's maker has published and what an administrator has chosen.
struct EntryMaker {
    let document: ServerDocument
    /// What was chosen for the version in use; it holds where nothing else is said.
    var former: EntryChoice?
    /// Our settings of the version in use, which hold where neither the document nor an administrator says anything of them.
    var inUse = JSONObject()

    /// The entry.
    ///
    /// What the document says in `_meta` of our own settings is a proposal like the rest of it: whoever signs it off sees the
    /// whole entry.
    ///
    /// - Parameter choice: what an administrator has chosen.
    /// - Returns: an entry that agents understand.
    /// - Throws: `ShapeError`, with the member of the document or of the choice that is wrong.
    func entry(_ choice: EntryChoice) throws -> RegistryEntry {
        var values = InputValues(choice.values, former: former?.values ?? [:])
        let choice = former.map(choice.over) ?? choice
        var settings = document.meta.settings == nil ? inUse : try proposed()
        for member in choice.settings.members { settings[member.name] = member.value }
        var json = document.summary.members
        if let index = choice.package {
            let command = try program(index, choice, &values)
            settings["stdio"] = command.json
            settings["network"] = settings["network"] ?? false
            settings = try approving(settings)
        } else if choice.remote != nil || settings["stdio"] == nil {
            settings["stdio"] = nil
            settings["network"] = nil
            json["remotes"] = .array([try remote(choice, &values)])
        }
        try values.refuseUnused()
        settings["alias"] = (choice.alias ?? settings["alias"]?.text ?? Self.alias(of: document.summary.name)).map {
            .text($0)
        }
        var meta = document.meta.others
        // That is for whoever lists a version to say.
        meta[ServerMeta.officialName] = nil
        meta[RegistryEntry.settingsName] = .object(settings)
        json["_meta"] = .object(meta)
        let entry = try RegistryEntry(.object(json))
        try entry.refuseUnusable()
        return entry
    }

    /// Throws where our settings in the document are not what an entry may have, whichever way would be chosen.
    func judgeSettings() throws {
        var json = document.summary.members
        let settings = try proposed()
        // Where the server is, is judged with the way that is chosen.
        if settings["stdio"] == nil { json["remotes"] = [["type": "sse", "url": "https://mcp.example/"]] }
        json["_meta"] = [RegistryEntry.settingsName: .object(settings)]
        try RegistryEntry(.object(json)).refuseUnusable()
    }

    private func proposed() throws -> JSONObject {
        guard let settings = document.meta.settings else { return JSONObject() }
        guard case .object(let object) = settings else {
            throw ShapeError(ServerMeta.settingsPlace, "must be an object")
        }
        return object
    }

    private func remote(_ choice: EntryChoice, _ values: inout InputValues) throws -> JSONValue {
        guard !document.remotes.isEmpty else {
            throw ShapeError(
                document.packages.isEmpty ? "remotes" : "packages",
                document.packages.isEmpty ? "is missing" : "is all there is: choose one of them"
            )
        }
        let index = choice.remote ?? 0
        guard document.remotes.indices.contains(index) else { throw ShapeError("remote", "is not there") }
        let remote = document.remotes[index]
        let place = "remotes/\(index)"
        for (number, header) in remote.headers.enumerated() where header.input.isRequired {
            throw ShapeError("\(place)/headers/\(number)", "is the header \(header.name), which agents do not send")
        }
        let url = try values.filled(remote.url, remote.variables, at: "\(place)/url")
        return ["type": .text(remote.type), "url": .text(url)]
    }

    private func program(
        _ index: Int,
        _ choice: EntryChoice,
        _ values: inout InputValues
    ) throws -> StdioCommand {
        guard document.packages.indices.contains(index) else { throw ShapeError("package", "is not there") }
        return try PackageCommand(package: document.packages[index], place: "packages/\(index)").command(
            choice,
            &values
        )
    }

    /// The command as it is now is what gets approved.
    private func approving(_ settings: JSONObject) throws -> JSONObject {
        guard case .object(var stdio)? = settings["stdio"] else { return settings }
        let texts = { (name: JSONText) in (stdio[name]?.array ?? []).compactMap(\.text) }
        let command = StdioCommand(
            command: stdio["command"]?.text ?? "",
            arguments: texts("args"),
            environment: texts("env"),
            secrets: texts("secrets"),
            readable: texts("read"),
            writable: texts("write"),
            hasNetwork: settings["network"]?.bool ?? false
        )
        stdio["approved"] = .text(command.digest)
        var settings = settings
        settings["stdio"] = .object(stdio)
        return settings
    }

    /// An alias out of the last part of a name; nil where that makes none.
    static func alias(of name: String) -> String? {
        let last = name.split(separator: "/").last.map(String.init) ?? ""
        let plain = last.lowercased().map { "._".contains($0) ? "-" : String($0) }.joined()
        let alias = String(plain.drop { $0 == "-" }.prefix(32))
        return ServerAlias.isValid(alias) ? alias : nil
    }
}
