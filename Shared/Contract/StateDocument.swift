package import Bytes
package import StrictJSON
package import TransparencyLog

/// What one agent has once it has taken an answer, as it is signed for this agent alone: which documents belong
/// together.
///
/// Each of them is signed by itself. Without this, a proxy on the way could let a new bundle through and hold the
/// binding of the same change back, or make up the counter.
package struct StateDocument: Sendable, Equatable {
    package let agentID: String
    /// The epoch of the organisation's log; what an earlier one says is over.
    package let epoch: Int
    /// The sync counter: the agent has everything up to here.
    package let counter: Int
    /// When it was signed.
    package let made: UTCTime
    /// From here on no agent takes it that has not done so before.
    package let expires: UTCTime
    /// The digest of the text of the signed bundle; nil where there is no policy yet.
    package let bundle: Hash?
    /// The digest of the text of the signed binding.
    package let binding: Hash
    /// The digest of the text of the signed entries.
    package let entries: Hash
    /// The digest of the text of the signed pins; nil from a coordinator that keeps none.
    package let pins: Hash?
    /// The digest of the text of the signed checkpoint that travels beside it.
    package let org: Hash
    /// What shuts the machine out; nil: nothing does.
    package let lock: MachineLock?

    package init(
        agentID: String,
        epoch: Int,
        counter: Int,
        made: UTCTime,
        expires: UTCTime,
        bundle: Hash?,
        binding: Hash,
        entries: Hash,
        pins: Hash? = nil,
        org: Hash,
        lock: MachineLock? = nil
    ) {
        self.agentID = agentID
        self.epoch = epoch
        self.counter = counter
        self.made = made
        self.expires = expires
        self.bundle = bundle
        self.binding = binding
        self.entries = entries
        self.pins = pins
        self.org = org
        self.lock = lock
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "v": 1, "kind": "state", "agent": .text(agentID), "epoch": .int(epoch), "counter": .int(counter),
            "made": .text(made.text), "expires": .text(expires.text), "bundle": .text(bundle?.base64URL ?? ""),
            "binding": .text(binding.base64URL), "entries": .text(entries.base64URL), "org": .text(org.base64URL),
        ]
        object["pins"] = pins.map { .text($0.base64URL) }
        object["locked"] = lock?.json
        return .object(object)
    }

    /// Reads a document; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "state")
            let bundle = try reader.text("bundle")
            return StateDocument(
                agentID: try reader.agentID("agent"),
                epoch: try reader.int("epoch", in: 0...Int(Checkpoint.maxSize)),
                counter: try reader.int("counter", in: 0...Int(Checkpoint.maxSize)),
                made: try reader.time("made"),
                expires: try reader.time("expires"),
                bundle: bundle.isEmpty ? nil : try reader.digest("bundle"),
                binding: try reader.digest("binding"),
                entries: try reader.digest("entries"),
                pins: reader.optional("pins") == nil ? nil : try reader.digest("pins"),
                org: try reader.digest("org"),
                lock: try reader.optional("locked").map { try MachineLock($0, at: reader.path("locked")) }
            )
        }
    }
}

extension ObjectReader {
    /// A SHA-256 in base64url.
    fileprivate mutating func digest(_ name: JSONText) throws(ShapeError) -> Hash {
        guard let hash = Hash(base64URL: try text(name)) else {
            throw ShapeError(path(name), "must be base64url of 32 bytes")
        }
        return hash
    }
}
