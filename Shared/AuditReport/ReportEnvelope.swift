internal import AuditLog
internal import TransparencyLog

/// The outside of a report: the signed summary, the files that it lists, and the state that all proofs lead to.
struct ReportEnvelope<Source: ReportSource> {
    let source: Source
    let summary: ReportSummary
    /// The coordinator's key, as the report says it.
    let key: VerifyingKey
    /// The state of the organisation's log, and the exact bytes of its note.
    let org: (checkpoint: Checkpoint, note: [UInt8])
    /// The epoch of that state.
    let epoch: Int
    /// The ids of the agents, sorted by their bytes.
    let agents: [String]
    private let hashes: [ReportPath: Hash]

    /// Reads the outside of a report.
    ///
    /// - Parameters:
    ///   - source: the files.
    ///   - fingerprint: that of the key that must have signed; nil if the user named none.
    /// - Throws: the first thing that is wrong.
    init(_ source: Source, signedBy fingerprint: String?) throws(ReportFailure) {
        let present = Set(try source.paths())
        guard present.contains(ReportSummary.path) else { throw ReportFailure(ReportSummary.path, "is missing") }
        let bytes = try source.read(ReportSummary.path, atMost: ReportSummary.maxBytes)
        guard let note = try? Note(parsing: bytes, atMost: ReportSummary.maxBytes) else {
            throw ReportFailure(ReportSummary.path, "this is not a signed note")
        }
        let summary = try ReportSummary(parsing: note.text)
        let trustBytes = try source.read(ReportPath.trust.text, atMost: Self.limit)
        guard let trust = TrustFile(parsing: trustBytes, names: summary.names),
            let epoch = summary.names.epoch(origin: trust.origin)
        else {
            throw ReportFailure(.trust, "this is not the key of the log of \(summary.names.host)")
        }
        if let fingerprint, !fingerprint.utf8.elementsEqual(trust.key.fingerprint.utf8) {
            throw ReportFailure(.trust, "the report is that of key \(trust.key.fingerprint), not of \(fingerprint)")
        }
        hashes = Dictionary(uniqueKeysWithValues: summary.files.map { ($0.path, $0.hash) })
        // One line, so that nothing can be added to the one file that no other lists.
        guard note.signatures.count == 1, note.isSigned(name: summary.names.report, key: trust.key) else {
            // One of the two files is not what it was; the other one tells which.
            try Self.check(.trust, trustBytes, hashes)
            throw ReportFailure(ReportSummary.path, "the coordinator's signature is missing or does not fit")
        }
        try Self.compare(summary, with: present)
        self.source = source
        self.summary = summary
        key = trust.key
        agents = Set(summary.files.compactMap(\.path.agent)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.epoch = epoch
        try Self.check(
            hashes,
            [.orgCheckpoint, .trust, .records] + (epoch > 0 ? [.restart(epoch: epoch)] : [])
                + agents.flatMap(ReportPath.required)
        )
        try Self.check(.trust, trustBytes, hashes)
        org = try Self.org(source, hashes, origin: trust.origin, key: trust.key)
    }

    /// Refuses a folder with a file too few or too many.
    private static func compare(_ summary: ReportSummary, with present: Set<String>) throws(ReportFailure) {
        let listed = Set(summary.files.map(\.path.text))
        if let missing = listed.subtracting(present).min() { throw ReportFailure(missing, "is missing") }
        if let extra = present.subtracting(listed).subtracting([ReportSummary.path]).min() {
            throw ReportFailure(extra, "is not listed in \(ReportSummary.path)")
        }
    }

    private static func check(_ hashes: [ReportPath: Hash], _ required: [ReportPath]) throws(ReportFailure) {
        for path in required where hashes[path] == nil {
            throw ReportFailure(path, "is missing, and not listed in \(ReportSummary.path) either")
        }
    }

    private static func check(
        _ path: ReportPath,
        _ bytes: [UInt8],
        _ hashes: [ReportPath: Hash]
    ) throws(ReportFailure) {
        guard hashes[path] == .of(bytes) else { throw ReportFailure(path, Self.changed) }
    }

    private static func org(
        _ source: Source,
        _ hashes: [ReportPath: Hash],
        origin: String,
        key: VerifyingKey
    ) throws(ReportFailure) -> (Checkpoint, [UInt8]) {
        let path = ReportPath.orgCheckpoint
        let bytes = try source.read(path.text, atMost: limit)
        try check(path, bytes, hashes)
        guard let note = try? Note(parsing: bytes), let checkpoint = try? Checkpoint(parsing: note.text),
            checkpoint.origin == origin, note.isSigned(name: origin, key: key)
        else { throw ReportFailure(path, "this is not a state of \(origin) that the coordinator signed") }
        return (checkpoint, bytes)
    }
}

extension ReportEnvelope {
    static var changed: String { "is not the file that \(ReportSummary.path) lists" }

    /// The largest size of a file in bytes; records have none, and a cover's goes by the records that it proves.
    private static var limit: Int { 1 << 20 }

    /// The bytes of a file that has the hash that is listed.
    func read(_ path: ReportPath, atMost limit: Int = limit) throws(ReportFailure) -> [UInt8] {
        let bytes = try source.read(path.text, atMost: limit)
        try Self.check(path, bytes, hashes)
        return bytes
    }

    /// The hashes of an agent's log that prove `count` of its records.
    func cover(agent: String, proving count: Int) throws(ReportFailure) -> [Hash] {
        let path = ReportPath.cover(agent: agent)
        guard let nodes = CoverFile.nodes(try read(path, atMost: CoverFile.largest(proving: count))) else {
            throw ReportFailure(path, "this is not a list of hashes")
        }
        return nodes
    }

    func isListed(_ path: ReportPath) -> Bool { hashes[path] != nil }

    func hash(of path: ReportPath) -> Hash? { hashes[path] }

    /// A leaf of the organisation's log whose proof holds.
    func leaf(_ path: ReportPath) throws(ReportFailure) -> (leaf: OrgLeaf, index: UInt64) {
        guard let proof = TLogProof(parsing: try read(path)) else {
            throw ReportFailure(path, "this is not a proof of the form that reports have")
        }
        guard proof.checkpoint == org.note else {
            throw ReportFailure(path, "the proof is for another state than \(ReportPath.orgCheckpoint.text)")
        }
        guard
            MerkleProof.isIncluded(
                .leaf(proof.leaf),
                at: proof.index,
                size: org.checkpoint.size,
                root: org.checkpoint.root,
                proof: proof.path
            )
        else { throw ReportFailure(path, "the proof does not lead to the state of the organisation's log") }
        guard let leaf = try? OrgLeaf(parsing: proof.leaf) else {
            throw ReportFailure(path, "the leaf is not one that the organisation's log has")
        }
        return (leaf, proof.index)
    }
}
