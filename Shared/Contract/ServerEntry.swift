package import MCP
package import Policy
package import StrictJSON

/// What an agent needs to know of one MCP server; travels in the signed `EntriesDocument`.
package struct ServerEntry: Sendable, Equatable {
    /// How the agent proves to the server whom it speaks for.
    package struct Authorization: Sendable, Equatable {
        /// The ways there are.
        package enum Kind: String, Sendable, CaseIterable {
            case oauth, none
        }

        package let kind: Kind
        /// The scopes to ask for; empty: those that the server's metadata names.
        package let scopes: [String]
        /// The client that is registered with the authorization server beforehand, if there is one.
        package let clientID: String?
        /// The port of the redirect address that is registered for that client; nil: any, as RFC 8252 section 7.3 has it.
        package let redirectPort: Int?

        package init(kind: Kind, scopes: [String] = [], clientID: String? = nil, redirectPort: Int? = nil) {
            self.kind = kind
            self.scopes = scopes
            self.clientID = clientID
            self.redirectPort = redirectPort
        }
    }

    /// How its messages travel.
    package enum Transport: Sendable, Equatable {
        /// Streamable HTTP, at this URL.
        case http(url: String)
        /// HTTP+SSE of 2024-11-05, at the URL of the event stream.
        case sse(url: String)
        /// A program that the agent starts, by its standard input and output.
        case stdio(StdioCommand)
    }

    /// The name under which people and policies know the server.
    package let alias: String
    /// The name in its `server.json`.
    package let name: String
    package let transport: Transport
    package let authorization: Authorization
    /// Whether the URL, and OAuth endpoints met for it, may be on this machine.
    package let allowsLoopback: Bool
    /// Whether a program of another user may be what listens there.
    package let allowsForeignOwner: Bool
    /// Seconds of silence after which a call has failed.
    package let timeoutSeconds: Int
    /// As in the policy, without `server`.
    package let limits: [JSONValue]
    /// Who has to agree to the definitions of its tools.
    package var pins = Pins.firstUse
    /// Whether policies may go by what it says of its tools.
    package var annotations = Annotations.untrusted
    /// Who shares a session with it, or its process.
    package var isolation = Isolation.perClient
    /// Which era it speaks, where that is not to be found out.
    package var era = EraPin.auto
    /// How often it is asked whether it is there, in seconds; 0: never.
    package var healthIntervalSeconds = Self.standardHealthInterval
    /// What it opens beyond the public internet.
    package var reach = Reach()

    package init(
        alias: String,
        name: String,
        transport: Transport,
        authorization: Authorization,
        allowsLoopback: Bool = false,
        allowsForeignOwner: Bool = false,
        timeoutSeconds: Int = Self.standardTimeout,
        limits: [JSONValue] = []
    ) {
        self.alias = alias
        self.name = name
        self.transport = transport
        self.authorization = authorization
        self.allowsLoopback = allowsLoopback
        self.allowsForeignOwner = allowsForeignOwner
        self.timeoutSeconds = timeoutSeconds
        self.limits = limits
    }

    /// Where it is called; nil of a program.
    package var url: String? {
        switch transport {
        case .http(let url), .sse(let url): url
        case .stdio: nil
        }
    }

    /// What is started; nil of a server that is called by its URL.
    package var command: StdioCommand? {
        switch transport {
        case .http, .sse: nil
        case .stdio(let command): command
        }
    }

    /// The timeout of an entry that names none.
    package static let standardTimeout = 300

    /// The limits, about this server alone; throws `ShapeError` for an invalid one.
    package func limitRules() throws -> [LimitRule] {
        try limits.enumerated().map { index, json in
            try LimitRule(json, server: JSONText(alias), index: index, at: "limits/\(index)")
        }
    }

    /// The document, which has a canonical spelling.
    package var json: JSONValue {
        var auth: JSONObject = [
            "type": .text(authorization.kind.rawValue), "scopes": .array(authorization.scopes.map { .text($0) }),
        ]
        if let clientID = authorization.clientID { auth["client_id"] = .text(clientID) }
        if let port = authorization.redirectPort { auth["redirect_port"] = .int(port) }
        var entry: JSONObject = [
            "alias": .text(alias), "name": .text(name), "auth": .object(auth),
            "allow_loopback": .bool(allowsLoopback), "timeout_s": .int(timeoutSeconds), "limits": .array(limits),
        ]
        switch transport {
        case .http(let url): entry["url"] = .text(url)
        case .sse(let url):
            entry["url"] = .text(url)
            entry["transport"] = "sse"
        case .stdio(let command):
            entry["stdio"] = command.json
            entry["network"] = .bool(command.hasNetwork)
        }
        // Only where it says something: agents of an earlier release refuse a document with a member that they do not know.
        if allowsForeignOwner { entry["allow_foreign_owner"] = true }
        if pins != .firstUse { entry["pins"] = .text(pins.rawValue) }
        if annotations != .untrusted { entry["annotations"] = .text(annotations.rawValue) }
        for member in sharing.members + reach.members.members { entry[member.name] = member.value }
        return .object(entry)
    }

    init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let alias = try reader.alias("alias")
            let name = try reader.text("name")
            let authorization = try reader.object("auth") { try Authorization(members: &$0) }
            let allowsLoopback = try reader.bool("allow_loopback")
            let transport: Transport
            if let command = try reader.stdioCommand() {
                try Self.check(command, authorization, allowsLoopback: allowsLoopback, at: reader.path("stdio"))
                transport = .stdio(command)
            } else {
                let url = try reader.text("url")
                try Self.check(url: url, allowsLoopback: allowsLoopback, at: reader.path("url"))
                transport = try reader.isEventStream() ? .sse(url: url) : .http(url: url)
            }
            var entry = ServerEntry(
                alias: alias,
                name: name,
                transport: transport,
                authorization: authorization,
                allowsLoopback: allowsLoopback,
                allowsForeignOwner: try reader.foreignOwner(allowsLoopback: allowsLoopback),
                timeoutSeconds: try reader.timeout("timeout_s"),
                limits: try reader.elements("limits").map(\.value)
            )
            entry.pins = try reader.pins()
            entry.annotations = try reader.annotations()
            entry.isolation = try reader.isolation()
            entry.era = try reader.era()
            entry.healthIntervalSeconds = try reader.healthInterval()
            entry.reach = try reader.reach()
            try Self.check(entry.reach, transport, at: reader.path("stdio"))
            return entry
        }
    }

    /// Throws where `url` may not be called at all.
    static func check(url: String, allowsLoopback: Bool, at place: String) throws(ShapeError) {
        let parsed: ServerURL
        do {
            parsed = try ServerURL(url)
        } catch {
            throw ShapeError(place, error.why)
        }
        if parsed.isLoopback {
            guard allowsLoopback else { throw ShapeError(place, "is on this machine, which needs allow_loopback") }
        } else {
            guard parsed.isSecure else { throw ShapeError(place, "must be https beyond this machine") }
        }
    }
}

extension ServerEntry {
    /// Throws where an entry of a program has what is about URLs alone.
    static func check(
        _ command: StdioCommand,
        _ authorization: Authorization,
        allowsLoopback: Bool,
        at place: String
    ) throws(ShapeError) {
        guard authorization.kind == .none else {
            throw ShapeError(place, "cannot stand beside auth: a program gets what it needs by its environment")
        }
        guard !allowsLoopback else { throw ShapeError(place, "cannot stand beside allow_loopback") }
    }
}

extension ServerEntry.Authorization {
    init(members reader: inout ObjectReader) throws {
        kind = try reader.word("type", Kind.self)
        let elements = try reader.optionalElements("scopes") ?? []
        guard elements.count <= 100 else { throw ShapeError(reader.path("scopes"), "has more than 100 scopes") }
        scopes = try elements.map { element in
            let scope = try ObjectReader.text(element.value, at: element.place)
            // RFC 6749 section 3.3: printable ASCII but blank, quotation mark and backslash.
            guard (1...256).contains(scope.utf8.count),
                scope.utf8.allSatisfy({
                    (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
                })
            else { throw ShapeError(element.place, "must be one OAuth scope") }
            return scope.string
        }
        clientID = reader.optional("client_id") == nil ? nil : try reader.label("client_id", longest: 2048)
        redirectPort = try reader.optionalInt("redirect_port", in: 1...65_535)
        if kind == .none, clientID != nil || redirectPort != nil || !scopes.isEmpty {
            throw ShapeError(reader.path("type"), "must be oauth where scopes, client_id or redirect_port are given")
        }
    }
}

extension ObjectReader {
    /// `[a-z0-9][a-z0-9-]{0,31}`.
    mutating func alias(_ name: JSONText) throws(ShapeError) -> String {
        let text = try text(name)
        guard ServerAlias.isValid(text) else {
            throw ShapeError(path(name), "must be 1 to 32 of a-z, 0-9 and -, not beginning with -")
        }
        return text
    }

    /// `stdio`, and `network`, which is about programs alone; nil where there is no `stdio`.
    mutating func stdioCommand() throws -> StdioCommand? {
        let hasNetwork = try optionalBool("network")
        let command = try optionalObject("stdio") { try StdioCommand(members: &$0, hasNetwork: hasNetwork ?? false) }
        guard command != nil || hasNetwork == nil else { throw ShapeError(path("network"), "needs stdio") }
        return command
    }

    /// Whether `transport` says that the URL is that of an event stream.
    mutating func isEventStream() throws -> Bool {
        guard let transport = try optionalText("transport") else { return false }
        guard transport == "sse" else { throw ShapeError(path("transport"), "must be sse, or absent") }
        return true
    }

    /// `allow_foreign_owner`, which is about loopback alone.
    mutating func foreignOwner(allowsLoopback: Bool) throws -> Bool {
        let allows = try optionalBool("allow_foreign_owner") ?? false
        guard allowsLoopback || !allows else { throw ShapeError(path("allow_foreign_owner"), "needs allow_loopback") }
        return allows
    }

    /// Seconds, up to an hour.
    mutating func timeout(_ name: JSONText) throws(ShapeError) -> Int { try int(name, in: 1...3600) }
}

/// The names that servers have in URLs, policies and records.
package enum ServerAlias {
    /// Whether `text` can be an alias.
    package static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return (1...32).contains(bytes.count) && bytes.first != UInt8(ascii: "-")
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
