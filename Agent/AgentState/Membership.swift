package import AuditLog
internal import Contract
internal import Errors
internal import Glibc
internal import ServiceKit
package import StrictJSON
package import TransparencyLog

/// This machine's place with its coordinator: what was pinned when it enrolled.
///
/// It holds no secret; the key's private half is in the keyring under `secretName`.
package struct Membership: Sendable, Equatable {
    /// The coordinator's URL, without a path.
    package let url: String
    /// The origin of its organisation log, and the audience of signed requests.
    package let origin: String
    /// What everything that it signs is checked with.
    package let coordinatorKey: VerifyingKey
    /// The certificates that its TLS is checked with, in PEM; nil: the system's.
    package let caPEM: String?
    package let agentID: String
    /// The person's e-mail address.
    package let user: String
    /// The person's pseudonym in records.
    package let sub: String
    /// Where the private half of the key lives, such as `keyring`.
    package let custody: String
    package let publicKey: VerifyingKey
    /// The name of the private half in the keyring: opaque.
    package let secretName: String

    package init(
        url: String,
        origin: String,
        coordinatorKey: VerifyingKey,
        caPEM: String?,
        agentID: String,
        user: String,
        sub: String,
        custody: String,
        publicKey: VerifyingKey,
        secretName: String
    ) {
        self.url = url
        self.origin = origin
        self.coordinatorKey = coordinatorKey
        self.caPEM = caPEM
        self.agentID = agentID
        self.user = user
        self.sub = sub
        self.custody = custody
        self.publicKey = publicKey
        self.secretName = secretName
    }

    /// The names of the coordinator's logs and documents.
    package var names: LogNames {
        // An origin of another form does not get into a membership.
        LogNames(audit: origin) ?? LogNames(host: origin)
    }

    /// The name of this agent's own log.
    package var logOrigin: String { names.agent(agentID) }
}

extension Membership {
    private static func path(_ home: AgentHome) -> String { home.path(.membership) }

    /// The membership of a home; nil if it has none.
    ///
    /// - Throws: `.damaged` for a file that is not a membership.
    package static func load(_ home: AgentHome) throws -> Membership? {
        guard let bytes = try DurableFile.read(path(home), maxBytes: 1 << 20) else { return nil }
        do {
            return try Membership(try JSONValue(parsing: bytes))
        } catch {
            throw StateError(
                .damaged,
                "\(path(home)) is damaged: \(error). Restore it, or leave and enrol anew",
                next: "doorward logout --offline"
            )
        }
    }

    /// Writes the membership; it is durable on return.
    package func save(_ home: AgentHome) throws {
        try AgentHome.makeFolder(home.state)
        try DurableFile.write(json.bytes, to: Self.path(home))
    }

    /// Takes the membership away, which may be gone already.
    package static func remove(_ home: AgentHome) throws {
        guard unlink(path(home)) == 0 || errno == ENOENT else {
            throw StateError(.badHome, "\(path(home)) cannot be removed: \(String(cString: strerror(errno)))")
        }
        try DurableFile.synchronize(folder: home.state)
    }

    /// Moves a membership aside that cannot be read any more.
    ///
    /// - Returns: Where it is now.
    package static func moveAside(_ home: AgentHome) throws -> String {
        let other = "\(path(home)).damaged"
        guard rename(path(home), other) == 0 else {
            throw StateError(.badHome, "\(path(home)) cannot be renamed: \(String(cString: strerror(errno)))")
        }
        try DurableFile.synchronize(folder: home.state)
        return other
    }

    private var json: JSONValue {
        var object: JSONObject = [
            "version": 1, "url": .text(url), "origin": .text(origin),
            "coordinator_key": .text(coordinatorKey.base64URL), "agent_id": .text(agentID), "user": .text(user),
            "sub": .text(sub), "custody": .text(custody), "public_key": .text(publicKey.base64URL),
            "secret": .text(secretName),
        ]
        if let caPEM { object["ca"] = .text(caPEM) }
        return .object(object)
    }

    private init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            _ = try reader.int("version", in: 1...1)
            let agentID = try reader.text("agent_id")
            guard AgentID.isValid(agentID) else { throw ShapeError("agent_id", "must be an agent's id") }
            let origin = try reader.text("origin")
            guard LogNames(audit: origin) != nil else { throw ShapeError("origin", "must be the name of a log") }
            return Membership(
                url: try reader.text("url"),
                origin: origin,
                coordinatorKey: try reader.key("coordinator_key"),
                caPEM: try reader.optionalText("ca"),
                agentID: agentID,
                user: try reader.text("user"),
                sub: try reader.text("sub"),
                custody: try reader.text("custody"),
                publicKey: try reader.key("public_key"),
                secretName: try reader.text("secret")
            )
        }
    }
}

extension ObjectReader {
    /// A public key in base64url.
    package mutating func key(_ name: JSONText) throws -> VerifyingKey {
        guard let key = VerifyingKey(base64URL: try text(name)) else {
            throw ShapeError(path(name), "must be base64url of 32 bytes")
        }
        return key
    }
}
