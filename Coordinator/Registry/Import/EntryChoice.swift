package import StrictJSON

/// How an organisation takes a server that its maker offers: in which of the ways, under which alias, with which settings.
package struct EntryChoice: Sendable, Equatable {
    /// Nil: the one that the document brings, or one that is made of its name.
    package var alias: String?
    /// Which of the remotes.
    package var remote: Int?
    /// Which of the packages.
    package var package: Int?
    /// The installed program that a package is.
    package var command: String?
    /// Whether each machine may get the package itself, at each start.
    package var downloads = false
    /// What the program may read, and write.
    package var readable: [String] = []
    package var writable: [String] = []
    /// The values that the document asks for, by their names.
    package var values: [String: String] = [:]
    /// Settings of ours that take the place of those that the document brings.
    package var settings = JSONObject()

    /// The object that `init(members:)` reads, with what is chosen alone.
    var json: JSONValue {
        var object = JSONObject()
        object["alias"] = alias.map { .text($0) }
        object["remote"] = remote.map { .int($0) }
        object["package"] = package.map { .int($0) }
        object["command"] = command.map { .text($0) }
        if downloads { object["download"] = true }
        if !readable.isEmpty { object["read"] = .array(readable.map { .text($0) }) }
        if !writable.isEmpty { object["write"] = .array(writable.map { .text($0) }) }
        if !values.isEmpty {
            let values = values.sorted { $0.key < $1.key }.map { JSONObject.Member(JSONText($0.key), .text($0.value)) }
            object["values"] = .object(JSONObject(unique: values))
        }
        if !settings.isEmpty { object["settings"] = .object(settings) }
        return .object(object)
    }

    /// This choice where it says something, and one for an earlier version where it does not.
    func over(_ other: EntryChoice) -> EntryChoice {
        var choice = self
        choice.alias = alias ?? other.alias
        if remote == nil, package == nil { (choice.remote, choice.package) = (other.remote, other.package) }
        choice.command = command ?? (downloads ? nil : other.command)
        choice.downloads = downloads || command == nil && other.downloads
        if readable.isEmpty { choice.readable = other.readable }
        if writable.isEmpty { choice.writable = other.writable }
        choice.values = other.values.merging(values) { $1 }
        choice.settings = other.settings
        for member in settings.members { choice.settings[member.name] = member.value }
        return choice
    }

    /// What is chosen where nobody has said anything.
    package init() {}

    /// Reads a closed object; throws `ShapeError`.
    package init(members reader: inout ObjectReader) throws {
        alias = try reader.optionalText("alias")
        remote = try reader.optionalInt("remote", in: 0...31)
        package = try reader.optionalInt("package", in: 0...31)
        command = try reader.optionalText("command")
        downloads = try reader.optionalBool("download") ?? false
        readable = try reader.optionalTexts("read") ?? []
        writable = try reader.optionalTexts("write") ?? []
        for (name, element) in try reader.optionalMap("values") ?? [] {
            values[name.string] = try ObjectReader.text(element.value, at: element.place).string
        }
        for (name, element) in try reader.optionalMap("settings") ?? [] { settings[name] = element.value }
        guard remote == nil || package == nil else {
            throw ShapeError(reader.path("package"), "cannot stand beside remote")
        }
    }
}
