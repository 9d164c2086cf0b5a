package import AuditLog
internal import Bytes
internal import Contract
internal import StrictJSON
package import TransparencyLog

/// An agent as far as the coordinator sees its log: records, a tree over them, checkpoints signed with its key.
package struct SinkAgent: Sendable {
    /// 2026-07-28T00:00:00Z: when its first record was made, if nothing is said.
    package static let noon: Int64 = 1_785_196_800_000_000

    package let id: String
    package let sub: String
    package let key: SigningKey
    package let origin: String
    package private(set) var records: [[UInt8]] = []
    package private(set) var tree = MerkleTree()
    private var writer: RecordWriter

    /// An agent of a person of its own.
    package init(_ name: String, names: LogNames, key: SigningKey = SigningKey()) {
        let id = AgentID.make(random: Array(Hash.of(Array(name.utf8)).bytes.prefix(10)))
        self.init(id: id, sub: "u-\(name)", names: names, key: key)
    }

    /// The agent of an enrolled machine.
    package init(id: String, sub: String, names: LogNames, key: SigningKey) {
        self.id = id
        self.sub = sub
        self.key = key
        origin = names.agent(id)
        writer = Self.writer(id: id, sub: sub, key: key)
    }

    /// A start of the agent's process.
    private static func writer(id: String, sub: String, key: SigningKey) -> RecordWriter {
        RecordWriter(
            agent: JSONText(id),
            instance: RandomID(),
            key: key.publicKey.fingerprint,
            boot: RecordWriter.bootMark(bootID: Array("boot".utf8), agent: JSONText(id)),
            subject: JSONText(sub)
        )
    }

    /// How many records it has.
    package var size: Int { records.count }

    /// Writes so many heartbeats, a second apart.
    package mutating func record(_ count: Int = 1) {
        for _ in 0..<count { record(.agentHeartbeat(calls: size, notifications: 0, pings: 0)) }
    }

    /// Writes one record.
    package mutating func record(_ body: RecordBody, at wall: Int64? = nil) {
        let time = RecordTime(wall: wall ?? Self.noon + Int64(size) * 1_000_000, mono: Int64(size))
        var line: [UInt8] = []
        writer.write(body, seq: UInt64(size), at: time, to: &line)
        add(line)
    }

    /// Writes the denial of a call to a server.
    package mutating func deny(server: String, at wall: Int64? = nil) {
        let facts = CallAttributes(
            call: RandomID(),
            trace: RandomID(),
            client: "tests",
            how: .token,
            server: JSONText(server),
            method: "tools/call",
            item: .tool("echo")
        )
        let decision = EncodedDecision(isAllowed: false, reason: "no_grant", rules: [], policy: 0, digest: "")
        record(.callDeny(facts, decision), at: wall)
    }

    /// Adds a line that the writer did not make.
    package mutating func add(_ line: [UInt8]) {
        records.append(line)
        tree.append(line)
    }

    /// Forgets the last records and starts anew, as a restored folder does.
    package mutating func rollBack(to size: Int) {
        records.removeLast(records.count - size)
        tree = MerkleTree(hashes: records.map { .leaf($0) })
        writer = Self.writer(id: id, sub: sub, key: key)
    }

    /// The state of its log with so many records.
    package func checkpoint(_ size: Int) throws -> Checkpoint {
        Checkpoint(origin: origin, size: UInt64(size), root: try tree.root(size: UInt64(size)))
    }

    /// The same, signed.
    package func note(_ size: Int) throws -> [UInt8] {
        try checkpoint(size).signed(by: key).bytes
    }

    /// The upload of the records `old ..< size`, of all that there are without `size`.
    package func upload(from old: Int, to size: Int? = nil) throws -> [UInt8] {
        let size = size ?? self.size
        return LogUpload(old: old, note: try note(size), records: records[old..<size].map { $0[...] }).bytes
    }
}
