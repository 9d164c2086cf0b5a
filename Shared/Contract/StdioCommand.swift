package import StrictJSON
internal import TransparencyLog

/// The program of a stdio server, as an administrator has written it: the whole of what an agent starts, and of what that
/// program may see and reach.
///
/// Nothing of it is taken from a client, and no shell reads it.
package struct StdioCommand: Sendable, Equatable {
    /// An absolute path, or a name that is looked for in the folders where programs are.
    package let command: String
    package let arguments: [String]
    /// Environment variables: `NAME`, whose value is the agent's own, or `NAME=VALUE`.
    package let environment: [String]
    /// The names of environment variables whose values the user keeps in the keyring.
    package let secrets: [String]
    /// Files and folders that it may read: absolute, or in the user's home (`~/...`).
    package let readable: [String]
    /// Files and folders that it may read and write, spelled like those.
    package let writable: [String]
    /// Whether it may use the network.
    package let hasNetwork: Bool
    /// The digest that was approved; nil: as it stands.
    package let approved: String?

    package init(
        command: String,
        arguments: [String] = [],
        environment: [String] = [],
        secrets: [String] = [],
        readable: [String] = [],
        writable: [String] = [],
        hasNetwork: Bool = false,
        approved: String? = nil
    ) {
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.secrets = secrets
        self.readable = readable
        self.writable = writable
        self.hasNetwork = hasNetwork
        self.approved = approved
    }

    /// What was approved when this was: the SHA-256 of everything that decides what is started and what it may touch.
    ///
    /// Over the members of `json` but `approved`, then `network`, in this order and as `JSONValue` writes them; spelled as
    /// fingerprints are.
    package var digest: String {
        var all = members
        all["network"] = .bool(hasNetwork)
        return "SHA256:\(Hash.of(JSONValue.object(all).bytes).base64URL)"
    }

    /// The same command with another digest as the one that is approved.
    func approving(_ digest: String?) -> StdioCommand {
        StdioCommand(
            command: command,
            arguments: arguments,
            environment: environment,
            secrets: secrets,
            readable: readable,
            writable: writable,
            hasNetwork: hasNetwork,
            approved: digest
        )
    }

    /// Whether it is what was approved.
    package var isApproved: Bool { approved.map { $0.utf8.elementsEqual(digest.utf8) } ?? true }

    /// The object `stdio` of an entry; whether it has the network is a member of the entry itself.
    package var json: JSONValue {
        var all = members
        if let approved { all["approved"] = .text(approved) }
        return .object(all)
    }

    private var members: JSONObject {
        let texts = { (texts: [String]) in JSONValue.array(texts.map { .text($0) }) }
        return [
            "command": .text(command), "args": texts(arguments), "env": texts(environment), "secrets": texts(secrets),
            "read": texts(readable), "write": texts(writable),
        ]
    }
}

extension StdioCommand {
    /// Reads the object `stdio`.
    init(members reader: inout ObjectReader, hasNetwork: Bool) throws {
        command = try reader.text("command")
        guard Self.isCommand(command) else {
            throw ShapeError(reader.path("command"), "must be an absolute path or a name without /")
        }
        arguments = try reader.list("args") { _ in nil }
        environment = try reader.list("env") { entry in
            Self.isVariable(Self.name(of: entry)) ? nil : "must be NAME or NAME=VALUE"
        }
        secrets = try reader.list("secrets") { name in
            Self.isVariable(name) ? nil : "must be the name of an environment variable"
        }
        readable = try reader.list("read", Self.pathProblem)
        writable = try reader.list("write", Self.pathProblem)
        approved = try reader.optionalText("approved")
        self.hasNetwork = hasNetwork
        try checkNames(&reader)
    }

    /// A name that stands twice would have two values, and which one counts is nobody's to guess.
    private func checkNames(_ reader: inout ObjectReader) throws(ShapeError) {
        var names: Set<String> = []
        for (place, name) in environment.map({ ("env", Self.name(of: $0)) }) + secrets.map({ ("secrets", $0) }) {
            guard names.insert(name).inserted else {
                throw ShapeError(reader.path(JSONText(place)), "names \(name) twice")
            }
        }
        // What a program can write it could replace with a link to somewhere else, before it is started the next time.
        for path in readable {
            guard !writable.contains(where: { Self.lies(path, in: $0) }) else {
                throw ShapeError(reader.path("read"), "names a path inside one that may be written")
            }
        }
    }

    /// The name in `NAME` or `NAME=VALUE`.
    package static func name(of entry: String) -> String {
        String(entry.prefix { $0 != "=" })
    }

    /// Whether a path is another one or inside of it.
    package static func lies(_ path: String, in folder: String) -> Bool {
        let parts = path.split(separator: "/")
        let folder = folder.split(separator: "/")
        return parts.starts(with: folder)
    }

    private static func isCommand(_ text: String) -> Bool {
        guard (1...4096).contains(text.utf8.count), !text.hasPrefix("-") else { return false }
        return text.utf8.contains(UInt8(ascii: "/")) ? isPlain(text) : true
    }

    /// Absolute, and no part of it is a step up or nothing.
    private static func isPlain(_ path: String) -> Bool {
        guard path.hasPrefix("/") else { return false }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    private static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 128 else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func pathProblem(_ path: String) -> String? {
        let absolute = path.hasPrefix("~/") ? String(path.dropFirst()) : path
        guard path.utf8.count <= 4096, isPlain(absolute) else {
            return "must be an absolute path or one like ~/notes, without . and .."
        }
        // The sandbox has its own of these, and what is in the system's speaks for other programs.
        let own = ["/proc", "/sys", "/dev"]
        return own.contains { lies(path, in: $0) } ? "cannot be opened to a program" : nil
    }
}

extension ObjectReader {
    /// A list of texts, which may be absent; `problem` says what is wrong with one.
    fileprivate mutating func list(_ name: JSONText, _ problem: (String) -> String?) throws(ShapeError) -> [String] {
        let elements = try optionalElements(name) ?? []
        guard elements.count <= 256 else { throw ShapeError(path(name), "has more than 256 members") }
        return try elements.map { element throws(ShapeError) in
            let text = try Self.text(element.value, at: element.place).string
            if let problem = problem(text) { throw ShapeError(element.place, problem) }
            return text
        }
    }
}
