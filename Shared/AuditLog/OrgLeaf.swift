package import Bytes
internal import Errors
package import StrictJSON
package import TransparencyLog

/// One leaf of the organisation's log: canonical JSON like a record, at most 8 KiB.
///
/// Each is salted, so that its hash, which other leaves' proofs contain, says nothing about it.
package struct OrgLeaf: Sendable, Equatable {
    /// What the leaf says.
    package let body: Body
    /// When it was written, in microseconds since 1970.
    ///
    /// What was valid when is told by the order of leaves and never by this.
    package let time: Int64
    /// The exact bytes that are hashed.
    package let bytes: [UInt8]

    /// What a leaf says, by its kind.
    package enum Body: Sendable, Equatable {
        /// `key.enrol`: from here on checkpoints of an agent's log may be signed by this key.
        case keyEnrol(KeyEnrolment)
        /// `key.revoke`: from here on they may not; `why` is one word, such as `left` or `revoked`.
        case keyRevoke(agent: JSONText, key: String, why: JSONText)
        /// `policy.bundle`: a bundle was signed; the same version again with a later expiry is a leaf of its own.
        case policyBundle(version: Int, digest: Hash, expires: Int64)
        /// `agent.checkpoint`: the coordinator holds and countersigned these records of an agent's log.
        case agentCheckpoint(Checkpoint)
        /// `admin.change`: a person changed something.
        case adminChange(AdminChange)
        /// `log.restart`: from this leaf on, states of the log are signed under a new name.
        case logRestart(LogRestart)
        /// `log.seen`: an agent has shown a signed state of an earlier epoch that this log does not hold.
        case logSeen(agent: JSONText, Checkpoint)
    }

    /// The key of an agent and whose it is.
    package struct KeyEnrolment: Sendable, Equatable {
        /// The agent's id: 1 to 64 of `a-z`, `0-9` and `-`.
        package var agent: JSONText
        /// The fingerprint, see `VerifyingKey.fingerprint`.
        package var key: String
        /// The person's pseudonym: 1 to 64 of `A-Z`, `a-z`, `0-9`, `_`, `-`, `.`, `:` and `+`, as all words are.
        package var sub: JSONText
        /// Where the private half lives, one word such as `keyring`.
        package var custody: JSONText

        package init(agent: JSONText, key: String, sub: JSONText, custody: JSONText) {
            self.agent = agent
            self.key = key
            self.sub = sub
            self.custody = custody
        }
    }

    /// A change that an administrator made.
    package struct AdminChange: Sendable, Equatable {
        /// The pseudonym of who made it, or `coordinator`.
        package var who: JSONText
        /// What was changed, as a path of up to 256 bytes: `policy`, `servers/github`.
        package var what: JSONText
        /// The SHA-256 of what was there; nil where nothing was.
        package var before: Hash?
        /// The SHA-256 of what is there now; nil where nothing is.
        package var after: Hash?

        package init(who: JSONText, what: JSONText, before: Hash?, after: Hash?) {
            self.who = who
            self.what = what
            self.before = before
            self.after = after
        }
    }

    /// The hash of the leaf in the log's tree.
    package var hash: Hash { .leaf(bytes) }

    /// The word for the kind.
    package var kind: String { body.kind }
}

// MARK: - Writing

extension OrgLeaf {
    /// Writes a leaf.
    ///
    /// - Parameters:
    ///   - body: what it says.
    ///   - time: when, in microseconds since 1970.
    ///   - random: where the salt comes from.
    /// - Throws: `.malformed` for a leaf that no reader could read again: a member without its form.
    package init(_ body: Body, at time: Int64, random: inout RandomPool) throws(LogError) {
        var object = body.members
        object["kind"] = .text(body.kind)
        object["salt"] = .text(random.saltText())
        object["t"] = .text(Timestamp.text(time))
        object["v"] = 1
        guard let bytes = try? JSONValue.object(object).canonicalBytes() else { throw Self.malformed }
        try self.init(parsing: bytes)
    }

    private static let malformed = LogError(.malformed, "this is not a leaf of the organisation's log")
}

extension OrgLeaf.Body {
    fileprivate var kind: String {
        switch self {
        case .keyEnrol: "key.enrol"
        case .keyRevoke: "key.revoke"
        case .policyBundle: "policy.bundle"
        case .agentCheckpoint: "agent.checkpoint"
        case .adminChange: "admin.change"
        case .logRestart: "log.restart"
        case .logSeen: "log.seen"
        }
    }

    fileprivate var members: JSONObject {
        switch self {
        case .keyEnrol(let enrolment):
            [
                "agent": .string(enrolment.agent), "key": .text(enrolment.key), "sub": .string(enrolment.sub),
                "custody": .string(enrolment.custody),
            ]
        case .keyRevoke(let agent, let key, let why):
            ["agent": .string(agent), "key": .text(key), "why": .string(why)]
        case .policyBundle(let version, let digest, let expires):
            [
                "version": .int(version), "digest": .text(digest.base64URL),
                "expires": .text(Timestamp.text(expires)),
            ]
        case .agentCheckpoint(let checkpoint): checkpoint.members()
        case .adminChange(let change):
            [
                "who": .string(change.who), "what": .string(change.what),
                "before": .text(change.before?.base64URL ?? ""), "after": .text(change.after?.base64URL ?? ""),
            ]
        case .logRestart(let restart): restart.members
        case .logSeen(let agent, let checkpoint): checkpoint.members(beside: ["agent": .string(agent)])
        }
    }
}

// MARK: - Reading

extension OrgLeaf {
    /// Reads a leaf, which must have exactly the members of its kind in their canonical spelling.
    package init(parsing bytes: [UInt8]) throws(LogError) {
        do {
            let json = try JSONValue(canonical: bytes, limits: .record)
            self = try ObjectReader.read(json) { reader in
                _ = try reader.int("v", in: 1...1)
                guard Base64.decodeURL(try reader.text("salt").utf8)?.count == 16 else { throw Self.malformed }
                let time = try reader.timestamp("t")
                let kind = try reader.required("kind").string
                return OrgLeaf(body: try Body(kind: kind, &reader), time: time, bytes: bytes)
            }
        } catch {
            // The errors that say more are for code that writes leaves; a reader of foreign ones cannot mend them.
            throw Self.malformed
        }
    }
}

extension OrgLeaf.Body {
    fileprivate init(kind: JSONText?, _ reader: inout ObjectReader) throws {
        switch kind {
        case "key.enrol":
            self = .keyEnrol(
                OrgLeaf.KeyEnrolment(
                    agent: try reader.text("agent", .agent),
                    key: try reader.text("key", .fingerprint).string,
                    sub: try reader.text("sub", .word),
                    custody: try reader.text("custody", .word)
                )
            )
        case "key.revoke":
            self = .keyRevoke(
                agent: try reader.text("agent", .agent),
                key: try reader.text("key", .fingerprint).string,
                why: try reader.text("why", .word)
            )
        case "policy.bundle":
            self = .policyBundle(
                version: try reader.int("version", in: 1...Int(Checkpoint.maxSize)),
                digest: try reader.hash("digest"),
                expires: try reader.timestamp("expires")
            )
        case "agent.checkpoint": self = .agentCheckpoint(try Checkpoint(&reader))
        case "admin.change":
            self = .adminChange(
                OrgLeaf.AdminChange(
                    who: try reader.text("who", .word),
                    what: try reader.text("what", .name),
                    before: try reader.hashOrEmpty("before"),
                    after: try reader.hashOrEmpty("after")
                )
            )
        case "log.restart": self = .logRestart(try OrgLeaf.LogRestart(&reader))
        case "log.seen": self = .logSeen(agent: try reader.text("agent", .agent), try Checkpoint(&reader))
        default:
            throw ShapeError(reader.path("kind"), "is not a kind of leaf")
        }
    }
}

extension ObjectReader {
    /// Text of a form.
    mutating func text(_ name: JSONText, _ form: LeafText) throws(ShapeError) -> JSONText {
        let text = try Self.text(try required(name), at: path(name))
        guard form.holds(text.utf8) else { throw ShapeError(path(name), "does not have its form") }
        return text
    }

    /// Base64url of 32 bytes.
    mutating func hash(_ name: JSONText) throws(ShapeError) -> Hash {
        guard let hash = Hash(base64URL: try text(name)) else { throw ShapeError(path(name), "must be a hash") }
        return hash
    }

    /// Base64url of 32 bytes, or nothing.
    fileprivate mutating func hashOrEmpty(_ name: JSONText) throws(ShapeError) -> Hash? {
        try text(name).isEmpty ? nil : try hash(name)
    }

    /// A time of 27 characters, in microseconds since 1970.
    fileprivate mutating func timestamp(_ name: JSONText) throws(ShapeError) -> Int64 {
        guard let time = Timestamp.microseconds(try text(name).utf8) else {
            throw ShapeError(path(name), "must be a time like 2026-11-22T11:35:50.123456Z")
        }
        return time
    }
}
