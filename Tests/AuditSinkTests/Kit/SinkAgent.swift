import AuditLog
import Bytes
import Contract
import StrictJSON
import TransparencyLog

/// An agent as far as the sink sees it: records, a tree over them, checkpoints signed with its key.
struct SinkAgent: Sendable {
    let id: String
    let sub: String
    let key: SigningKey
    let origin: String
    private(set) var records: [[UInt8]] = []
    private(set) var tree = MerkleTree()
    private var writer: RecordWriter

    init(_ name: String, names: LogNames, key: SigningKey = SigningKey()) {
        id = AgentID.make(random: Array(Hash.of(Array(name.utf8)).bytes.prefix(10)))
        sub = "u-\(name)"
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

    var size: Int { records.count }

    /// Writes so many heartbeats, a second apart.
    mutating func record(_ count: Int = 1) {
        for _ in 0..<count { record(.agentHeartbeat(calls: size, notifications: 0, pings: 0)) }
    }

    /// Writes one record.
    mutating func record(_ body: RecordBody, at wall: Int64? = nil) {
        let time = RecordTime(wall: wall ?? Sink.noon + Int64(size) * 1_000_000, mono: Int64(size))
        var line: [UInt8] = []
        writer.write(body, seq: UInt64(size), at: time, to: &line)
        add(line)
    }

    /// Writes the denial of a call to a server.
    mutating func deny(server: String, at wall: Int64? = nil) {
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
    mutating func add(_ line: [UInt8]) {
        records.append(line)
        tree.append(line)
    }

    /// Forgets the last records and starts anew, as a restored folder does.
    mutating func rollBack(to size: Int) {
        records.removeLast(records.count - size)
        tree = MerkleTree(hashes: records.map { .leaf($0) })
        writer = Self.writer(id: id, sub: sub, key: key)
    }

    func checkpoint(_ size: Int) throws -> Checkpoint {
        Checkpoint(origin: origin, size: UInt64(size), root: try tree.root(size: UInt64(size)))
    }

    func note(_ size: Int) throws -> [UInt8] {
        try checkpoint(size).signed(by: key).bytes
    }

    /// The upload of the records `old ..< size`, of all that there are without `size`.
    func upload(from old: Int, to size: Int? = nil) throws -> [UInt8] {
        let size = size ?? self.size
        return LogUpload(old: old, note: try note(size), records: records[old..<size].map { $0[...] }).bytes
    }
}
