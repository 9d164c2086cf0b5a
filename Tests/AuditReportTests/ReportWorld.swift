import AuditLog
import AuditReport
import Bytes
import Kits
import StrictJSON
import Testing
import TransparencyLog

/// A coordinator and its agents in memory, all of whose keys, salts and times are known.
struct ReportWorld {
    let names = LogNames(host: "gate.example.com")
    let coordinator: SigningKey
    var org = MerkleTree()
    var leaves: [OrgLeaf] = []
    var agents: [Agent] = []
    private var random = RandomPool.counting
    static let start: Int64 = 1_795_346_150_000_000
    static let digest = Hash.of("rules".utf8)

    struct Agent {
        let id: String
        let key: SigningKey
        let sub: JSONText
        let user: JSONText?
        var tree = MerkleTree()
        var records: [[UInt8]] = []
        var writer: RecordWriter
        var enrolled: Int
        var revoked: Int?
        var checkpoint: (note: Note, index: Int)?
    }

    init(seed: UInt8 = 1) throws {
        coordinator = try Self.key(seed)
        log(.adminChange(.init(who: "coordinator", what: "init", before: nil, after: nil)))
    }

    static func key(_ seed: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: Array(repeating: seed, count: 32)))
    }

    @discardableResult
    mutating func log(_ body: OrgLeaf.Body) -> Int {
        do {
            let leaf = try OrgLeaf(body, at: Self.start + Int64(leaves.count), random: &random)
            leaves.append(leaf)
            org.append(hash: leaf.hash)
        } catch {
            Issue.record(error)
        }
        return leaves.count - 1
    }

    /// Enrols an agent; ids must rise.
    mutating func enrol(_ id: String, user: JSONText?, seed: UInt8) throws {
        let key = try Self.key(seed)
        let sub = JSONText("u-\(seed)")
        let enrolled = log(
            .keyEnrol(
                .init(agent: JSONText(id), key: key.publicKey.fingerprint, sub: sub, custody: "keyring")
            )
        )
        let writer = RecordWriter(
            agent: JSONText(id),
            instance: RandomID(high: 1, low: UInt64(seed)),
            key: key.publicKey.fingerprint,
            boot: RecordWriter.bootMark(bootID: [seed], agent: JSONText(id)),
            subject: sub,
            random: .counting(from: UInt64(seed) << 32)
        )
        agents.append(Agent(id: id, key: key, sub: sub, user: user, writer: writer, enrolled: enrolled))
    }

    /// Records something, a second later than the record before.
    mutating func record(_ agent: Int, _ body: RecordBody, at time: Int64? = nil) {
        let seq = agents[agent].tree.size
        var bytes: [UInt8] = []
        let wall = time ?? Self.start + Int64(seq) * 1_000_000
        agents[agent].writer.write(body, seq: seq, at: RecordTime(wall: wall, mono: Int64(seq) * 1000), to: &bytes)
        append(agent, Self.asFirstWritten(bytes))
    }

    /// The first release wrote names as they were, and reports of it must verify for ever.
    private static func asFirstWritten(_ record: [UInt8]) -> [UInt8] {
        let name = SampleRecords.oddName
        var literal: [UInt8] = []
        JSONWriting.string(name.utf8, to: &literal)
        let hash = Array("\"\(RecordName.hash(of: name))\"".utf8)
        guard let place = record.firstRange(of: hash) else { return record }
        return Array(record[..<place.lowerBound]) + literal + record[place.upperBound...]
    }

    mutating func append(_ agent: Int, _ bytes: [UInt8]) {
        agents[agent].tree.append(bytes)
        agents[agent].records.append(bytes)
    }

    /// The agent signs what it has, the coordinator countersigns it and writes it down.
    mutating func upload(_ agent: Int) throws {
        let size = agents[agent].tree.size
        let checkpoint = Checkpoint(
            origin: names.agent(agents[agent].id),
            size: size,
            root: try agents[agent].tree.root(size: size)
        )
        let note = try checkpoint.signed(by: agents[agent].key)
        let cosignature = try note.cosignature(name: names.audit, key: coordinator, time: 1_795_346_200)
        agents[agent].checkpoint = (note.adding(cosignature), log(.agentCheckpoint(checkpoint)))
    }

    mutating func revoke(_ agent: Int) {
        let key = agents[agent].key.publicKey.fingerprint
        agents[agent].revoked = log(.keyRevoke(agent: JSONText(agents[agent].id), key: key, why: "logout"))
    }

    func logged(_ index: Int) throws -> LoggedLeaf {
        LoggedLeaf(
            leaf: leaves[index].bytes,
            index: UInt64(index),
            path: try MerkleProof.inclusion(of: UInt64(index), size: org.size, in: org)
        )
    }

    func orgNote() throws -> Note {
        let root = try org.root(size: org.size)
        return try Checkpoint(origin: names.audit, size: org.size, root: root).signed(by: coordinator)
    }

    /// The report as the coordinator makes it; `shows` chooses records by agent and number.
    func report(
        _ selection: ReportSelection = .all,
        bundles: [Int] = [],
        shows: (Int, Int) -> Bool = { _, _ in true },
        change: (inout ReportAgent) -> Void = { _ in }
    ) throws -> ReportInMemory {
        var writer = try ReportWriter(
            selection: selection,
            made: Self.start,
            names: names,
            key: coordinator,
            org: try orgNote()
        )
        var records: [UInt8] = []
        for (index, agent) in agents.enumerated() {
            let shown = agent.records.indices.filter { shows(index, $0) }
            guard !shown.isEmpty, let checkpoint = agent.checkpoint else { continue }
            var proof = ReportAgent(
                agent: agent.id,
                publicKey: agent.key.publicKey,
                sub: agent.sub,
                user: agent.user,
                checkpoint: checkpoint.note,
                logged: try logged(checkpoint.index),
                enrolment: try logged(agent.enrolled),
                revocation: try agent.revoked.map(logged)
            )
            change(&proof)
            try writer.begin(proof)
            for number in shown {
                try agent.records[number].withUnsafeBufferPointer { record in
                    try writer.add(record, seq: UInt64(number), to: &records)
                }
            }
            try writer.end(in: agent.tree)
        }
        for index in bundles {
            guard case .policyBundle(let version, _, _) = leaves[index].body else { continue }
            try writer.add(bundle: try logged(index), version: version)
        }
        var files = Dictionary(uniqueKeysWithValues: try writer.finish().map { ($0.path, $0.bytes) })
        files["records.jsonl"] = records
        return ReportInMemory(files)
    }

    func verify(_ report: ReportInMemory) -> ReportVerdict {
        ReportVerifier.verify(report, signedBy: coordinator.publicKey.fingerprint)
    }

    /// The report with its summary signed again over the files as they are now: what a coordinator that lies can do.
    func resigned(_ report: ReportInMemory, _ change: (inout [String]) -> Void = { _ in }) throws -> ReportInMemory {
        let note = String(decoding: try #require(report.files["SUMMARY.txt"]), as: UTF8.self)
        let text = try #require(note.split(separator: "\n\n", maxSplits: 1).first)
        var lines = text.split(separator: "\n").map(String.init).filter { !$0.contains("  ") }
        for (path, bytes) in report.files.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        where path != "SUMMARY.txt" {
            lines.append("\(Self.hex(Hash.of(bytes)))  \(path)")
        }
        change(&lines)
        var report = report
        report.files["SUMMARY.txt"] =
            try Note.sign(Array((lines.joined(separator: "\n") + "\n").utf8), name: names.report, key: coordinator)
            .bytes
        return report
    }

    static func hex(_ hash: Hash) -> String {
        hash.bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
    }
}

extension ReportSelection {
    static let all = ReportSelection(from: 0, to: Timestamp.max)
}

extension RandomPool {
    /// What is no randomness at all: rising numbers.
    static let counting = RandomPool.counting(from: 0)

    static func counting(from start: UInt64) -> RandomPool {
        RandomPool { words in
            for index in words.indices { words[index] = start &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15 }
        }
    }
}

extension ReportWorld {
    static let policy = EncodedDecision(
        isAllowed: true,
        reason: "granted",
        rules: ["roles/dev/grant/0"],
        policy: 1,
        digest: JSONText(digest.base64URL)
    )

    static func call(_ number: UInt64, server: JSONText = "github") -> CallAttributes {
        CallAttributes(
            call: RandomID(high: 7, low: number),
            trace: RandomID(high: 8, low: number),
            client: "claude-code",
            how: .token,
            server: server,
            method: "tools/call",
            item: .tool("get_issue")
        )
    }

    /// Three agents with records of every kind, a policy, a revocation, and leaves that no report shows.
    static func usual() throws -> ReportWorld {
        var world = try ReportWorld()
        try world.enrol("a-aaaa", user: "ann@example.com", seed: 2)
        world.log(.policyBundle(version: 1, digest: digest, expires: start))
        try world.enrol("a-bbbb", user: "bob@example.com", seed: 3)
        try world.enrol("a-cccc", user: nil, seed: 4)
        for body in SampleRecords.bodies { world.record(0, body) }
        for number in 0..<9 as Range<UInt64> {
            let facts = call(number, server: number.isMultiple(of: 3) ? "jira" : "github")
            world.record(1, .callBegin(facts, policy, credential: "c-1"))
            world.record(1, .callEnd(facts, Outcome(.ok, milliseconds: 3)))
        }
        try world.upload(0)
        world.record(1, .agentStop(why: "signal"))
        try world.upload(1)
        world.record(2, .agentStart(version: "1.0.0", custody: "keyring", torn: 0))
        try world.upload(2)
        world.revoke(2)
        world.log(.adminChange(.init(who: "u-2", what: "policy", before: nil, after: digest)))
        return world
    }

    /// One agent with three records: small enough to change every byte.
    static func small() throws -> ReportWorld {
        var world = try ReportWorld()
        try world.enrol("a-aaaa", user: "ann@example.com", seed: 2)
        world.log(.policyBundle(version: 1, digest: digest, expires: start))
        world.record(0, .agentStart(version: "1.0.0", custody: "keyring", torn: 0))
        world.record(0, .callBegin(call(1), policy, credential: nil))
        world.record(0, .callEnd(call(1), Outcome(.ok, milliseconds: 3)))
        world.record(0, .agentStop(why: "signal"))
        try world.upload(0)
        return world
    }
}
