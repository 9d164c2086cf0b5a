import AuditLog
import Bytes
import Contract
import Policy
import StrictJSON
import TransparencyLog

/// A coordinator as agents see it, in memory: it judges like the real one and signs everything that it says.
struct ModelCoordinator: Sendable {
    struct Agent: Sendable {
        let id: String
        let key: VerifyingKey
        let sub: String
        var leaves: [Hash] = []
        var records: [[UInt8]] = []
        var notes: [Int: (note: Note, index: Int)] = [:]
        var isLocked = false
        var isRevoked = false

        var edge: MerkleFrontier { Self.edge(leaves) }

        static func edge(_ leaves: some Sequence<Hash>) -> MerkleFrontier {
            var edge = MerkleFrontier()
            for leaf in leaves { edge.append(hash: leaf) }
            return edge
        }
    }

    /// What a request ends with.
    enum Answer: Sendable {
        case json(JSONValue)
        case nothing
        case problem(Problem)
    }

    let key: SigningKey
    let names: LogNames
    private(set) var org = MerkleTree()
    private(set) var orgLeaves: [OrgLeaf] = []
    private(set) var epoch = 0
    /// Where the leaf of the last restart is.
    private(set) var restartIndex: Int?
    var agents: [String: Agent] = [:]
    /// Proofs of tokens, with the id of the agent that spent each.
    var tokens: [String: String?] = [:]
    private var random = RandomPool()

    init(host: String = "door.example", key: SigningKey = SigningKey()) {
        self.key = key
        names = LogNames(host: host)
    }

    // MARK: The organisation's log

    mutating func append(_ body: OrgLeaf.Body) throws -> Int {
        let leaf = try OrgLeaf(body, at: 1_800_000_000_000_000, random: &random)
        org.append(leaf.bytes)
        orgLeaves.append(leaf)
        return orgLeaves.count - 1
    }

    /// Goes back to an earlier state, as a restored backup does.
    mutating func restore(size: Int) {
        orgLeaves.removeLast(orgLeaves.count - size)
        org = MerkleTree()
        for leaf in orgLeaves { org.append(leaf.bytes) }
    }

    mutating func restart(as epoch: Int) throws {
        let base = Checkpoint(
            origin: names.audit(epoch: self.epoch),
            size: org.size,
            root: try org.root(size: org.size)
        )
        let leaf = OrgLeaf.LogRestart(epoch: epoch, base: base, known: base, who: "test", why: "restored")
        restartIndex = try append(.logRestart(leaf))
        self.epoch = epoch
    }

    func head(size: UInt64? = nil) throws -> String {
        let size = size ?? org.size
        let checkpoint = Checkpoint(origin: names.audit(epoch: epoch), size: size, root: try org.root(size: size))
        return String(decoding: try checkpoint.signed(by: key).bytes, as: UTF8.self)
    }

    func proven(_ index: Int) throws -> ProvenLeaf {
        ProvenLeaf(
            leaf: orgLeaves[index].bytes,
            index: index,
            proof: try MerkleProof.inclusion(of: UInt64(index), size: org.size, in: org).map(\.bytes)
        )
    }

    func consistency(from size: UInt64) throws -> [[UInt8]] {
        try MerkleProof.consistency(from: size, to: org.size, in: org).map(\.bytes)
    }

    var identity: JSONValue {
        get throws {
            [
                "key": .text(key.publicKey.base64URL), "origin": .text(names.audit),
                "org_checkpoint": .text(try head()), "version": "9.9.9",
            ]
        }
    }

    // MARK: Enrolment

    mutating func token(_ secret: UInt8, authority: [UInt8]? = nil) -> EnrolmentToken {
        let token = EnrolmentToken(
            secret: [UInt8](repeating: secret, count: 16),
            keyHash: Hash.of(key.publicKey.bytes).bytes,
            authority: authority
        )
        tokens[token.proof] = .some(nil)
        return token
    }

    mutating func enrol(_ request: EnrolmentRequest) throws -> Answer {
        guard let key = VerifyingKey(request.publicKey), let spentBy = tokens[request.token] else {
            return .problem(Self.tokenSpent)
        }
        if let spentBy {
            guard let agent = agents[spentBy], agent.key == key else { return .problem(Self.tokenSpent) }
            return .json(try receipt(agent))
        }
        let id = AgentID.make(random: (0..<10).map { _ in UInt8.random(in: 0...255) })
        let agent = Agent(id: id, key: key, sub: "u-\(agents.count)")
        agents[id] = agent
        tokens[request.token] = .some(id)
        let enrolment = OrgLeaf.KeyEnrolment(
            agent: JSONText(id),
            key: key.fingerprint,
            sub: JSONText(agent.sub),
            custody: JSONText(request.custody)
        )
        _ = try append(.keyEnrol(enrolment))
        return .json(try receipt(agent))
    }

    private func receipt(_ agent: Agent) throws -> JSONValue {
        let index = orgLeaves.firstIndex { leaf in
            if case .keyEnrol(let enrolment) = leaf.body { enrolment.key == agent.key.fingerprint } else { false }
        }
        return EnrolmentReceipt(
            agentID: agent.id,
            user: "ann@example.com",
            sub: agent.sub,
            coordinatorKey: key.publicKey.bytes,
            origin: names.audit,
            orgCheckpoint: try head(),
            enrol: try proven(index ?? 0)
        ).json
    }

    private static let tokenSpent = Problem("token_spent", status: 401, title: "", detail: "The token is spent.")

    // MARK: Logs of agents

    func state(_ id: String) throws -> LogState {
        guard let agent = agents[id], let note = agent.notes[agent.leaves.count]?.note else {
            return LogState(size: 0, checkpoint: nil, peaks: [])
        }
        return LogState(
            size: agent.leaves.count,
            checkpoint: String(decoding: note.bytes, as: UTF8.self),
            peaks: agent.edge.peaks.map(\.bytes)
        )
    }

    /// Judges an upload by the rules of c2sp.org/tlog-witness.
    mutating func take(_ body: [UInt8], from id: String) throws -> Answer {
        guard var agent = agents[id], let upload = LogUpload(body), let note = try? Note(parsing: upload.note),
            let checkpoint = try? Checkpoint(parsing: note.text), checkpoint.origin == names.agent(id),
            note.isSigned(name: names.agent(id), key: agent.key),
            Int(checkpoint.size) == upload.old + upload.records.count
        else { return .problem(Problem("malformed_upload", status: 400, title: "", detail: "")) }
        for (offset, record) in upload.records.enumerated() {
            guard let json = try? JSONValue(canonical: Array(record)), json["seq"]?.int == upload.old + offset else {
                return .problem(Problem("bad_record", status: 422, title: "", detail: ""))
            }
        }
        if agent.isRevoked { return .problem(Problem("revoked_key", status: 401, title: "", detail: "")) }
        if agent.isLocked { return .problem(Self.forked) }
        let size = Int(checkpoint.size)
        if size <= agent.leaves.count {
            guard Agent.edge(agent.leaves.prefix(size)).root == checkpoint.root else { return fork(&agent) }
            guard let kept = agent.notes[size] else { return conflict(agent) }
            return .json(try receipt(agent, size, kept).json)
        }
        guard upload.old == agent.leaves.count else { return conflict(agent) }
        let leaves = agent.leaves + upload.records.map { Hash.leaf($0) }
        guard Agent.edge(leaves).root == checkpoint.root else { return fork(&agent) }
        agent.leaves = leaves
        agent.records += upload.records.map(Array.init)
        let index = try append(.agentCheckpoint(checkpoint))
        let signature = try note.cosignature(name: names.audit, key: key, time: 1_800_000_000)
        agent.notes[size] = (note.adding(signature), index)
        agents[id] = agent
        return .json(try receipt(agent, size, agent.notes[size] ?? (note, index)).json)
    }

    private func receipt(_ agent: Agent, _ size: Int, _ kept: (note: Note, index: Int)) throws -> LogReceipt {
        LogReceipt(
            size: size,
            cosignature: String((kept.note.signatures.last?.line ?? "").dropLast()),
            orgCheckpoint: try head(),
            leaf: try proven(kept.index)
        )
    }

    private mutating func fork(_ agent: inout Agent) -> Answer {
        agent.isLocked = true
        agents[agent.id] = agent
        return .problem(Self.forked)
    }

    private static let forked = Problem("log_forked", status: 423, title: "", detail: "")

    private func conflict(_ agent: Agent) -> Answer {
        .problem(
            Problem("log_conflict", status: 409, title: "", detail: "", members: ["size": .int(agent.leaves.count)])
        )
    }
}
