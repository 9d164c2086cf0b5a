package import AuditLog
internal import Errors
package import StrictJSON
package import TransparencyLog

/// What a report says of one agent, besides its records.
package struct ReportAgent: Sendable {
    /// The agent's id.
    package var agent: String
    package var publicKey: VerifyingKey
    /// The person's pseudonym, as in the leaf of the enrolment.
    package var sub: JSONText
    /// The person's e-mail address; nil once it was erased.
    package var user: JSONText?
    /// A state of the agent's log that holds all records that are shown: the agent's signature and the coordinator's.
    package var checkpoint: Note
    /// The leaf `agent.checkpoint` of that state.
    package var logged: LoggedLeaf
    /// The leaf `key.enrol`.
    package var enrolment: LoggedLeaf
    /// The leaf `key.revoke`, if the key was revoked since.
    package var revocation: LoggedLeaf?

    package init(
        agent: String,
        publicKey: VerifyingKey,
        sub: JSONText,
        user: JSONText?,
        checkpoint: Note,
        logged: LoggedLeaf,
        enrolment: LoggedLeaf,
        revocation: LoggedLeaf? = nil
    ) {
        self.agent = agent
        self.publicKey = publicKey
        self.sub = sub
        self.user = user
        self.checkpoint = checkpoint
        self.logged = logged
        self.enrolment = enrolment
        self.revocation = revocation
    }
}

/// A file of a report, by its path from the report's folder.
package struct ReportFile: Sendable, Equatable {
    package let path: String
    package let bytes: [UInt8]
}

/// Makes the files of a report (`packaging/docs/report-format.md`).
///
/// For each agent, in the order of the bytes of their ids: `begin`, `add` for each record, `end`. The records go out as
/// they come in, so that a report of any length fits into little memory; `finish` makes all the other files. Given the
/// same things it makes the same files, but for the signature.
package struct ReportWriter: Sendable {
    private let selection: ReportSelection
    private let made: Int64
    private let names: LogNames
    private let key: SigningKey
    private let org: Note
    private let orgCheckpoint: Checkpoint

    private var files: [ReportFile] = []
    private var recordsHash = RunningHash()
    private var section: Section?
    private var lastAgent = ""
    /// The number of records so far.
    package private(set) var count = 0

    /// The agent whose records are being added.
    private struct Section: Sendable {
        let agent: ReportAgent
        let checkpoint: Checkpoint
        var shown = ShownLeaves()
    }

    /// A report of what `selection` asks for.
    ///
    /// - Parameters:
    ///   - selection: what was asked for; it is written down, the caller selects.
    ///   - made: now, in microseconds since 1970.
    ///   - names: the names of the coordinator's logs.
    ///   - key: the coordinator's key.
    ///   - org: the signed state of the organisation's log that all proofs lead to.
    /// - Throws: `.content` if `org` is no such state or the selection cannot be written down.
    package init(
        selection: ReportSelection,
        made: Int64,
        names: LogNames,
        key: SigningKey,
        org: Note
    ) throws {
        self.selection = selection
        self.made = made
        self.names = names
        self.key = key
        self.org = org
        orgCheckpoint = try Checkpoint(parsing: org.text)
        guard names.epoch(origin: orgCheckpoint.origin) != nil,
            org.isSigned(name: orgCheckpoint.origin, key: key.publicKey)
        else {
            throw ReportError(.content, "the state of the organisation's log is not signed by this coordinator")
        }
        guard selection.from <= selection.to, selection.user.map(ReportSelection.isLine) ?? true,
            selection.server.map(ReportSelection.isLine) ?? true
        else { throw ReportError(.content, "a report cannot be made of such a selection") }
    }

    /// Begins the records of an agent.
    ///
    /// - Throws: `.content` if it is not the agent's turn or its checkpoint is not of its log.
    package mutating func begin(_ agent: ReportAgent) throws {
        guard section == nil, lastAgent.utf8.lexicographicallyPrecedes(agent.agent.utf8) else {
            throw ReportError(.content, "agent \(agent.agent) is not next")
        }
        let checkpoint = try Checkpoint(parsing: agent.checkpoint.text)
        guard checkpoint.origin == names.agent(agent.agent) else {
            throw ReportError(.content, "the checkpoint is not one of agent \(agent.agent)")
        }
        section = Section(agent: agent, checkpoint: checkpoint)
        lastAgent = agent.agent
    }

    /// Adds a record of the agent that was begun, and appends its line of `records.jsonl` to `output`.
    ///
    /// - Throws: `.content` if it does not come after the one before.
    package mutating func add(
        _ record: UnsafeBufferPointer<UInt8>,
        seq: UInt64,
        to output: inout [UInt8]
    ) throws {
        // Not bound to a name: a second reference would make each append a copy.
        guard let size = section?.checkpoint.size, seq < size, section?.shown.last.map({ $0 < seq }) ?? true else {
            throw ReportError(.content, "record \(seq) is not next")
        }
        self.section?.shown.append(seq, hash: .leaf(record))
        let start = output.count
        output += record
        output.append(UInt8(ascii: "\n"))
        recordsHash.update(output[start...])
        count += 1
    }

    /// Ends the records of the agent that was begun.
    ///
    /// - Parameter tree: the agent's log, of the checkpoint's size or larger.
    /// - Throws: `.content` if there was no record, or they are not those of the tree; what `tree` throws.
    package mutating func end(in tree: some MerkleNodes) throws {
        guard let section, section.shown.count > 0 else { throw ReportError(.content, "an agent has no record") }
        let agent = section.agent
        let cover = try MerkleCover(of: section.shown, size: section.checkpoint.size, in: tree)
        guard cover.root == section.checkpoint.root else {
            throw ReportError(.content, "the records of agent \(agent.agent) are not those of its checkpoint")
        }
        let statement = KeyStatement(
            agent: agent.agent,
            publicKey: agent.publicKey,
            sub: agent.sub,
            user: agent.user
        )
        append(.checkpoint(agent: agent.agent), agent.checkpoint.bytes)
        append(.cover(agent: agent.agent), CoverFile.bytes(cover.nodes))
        append(.key(agent: agent.agent), try statement.bytes())
        try append(.logged(agent: agent.agent), agent.logged)
        try append(.enrolment(agent: agent.agent), agent.enrolment)
        if let revocation = agent.revocation { try append(.revocation(agent: agent.agent), revocation) }
        self.section = nil
    }

    /// Adds the leaf `policy.bundle` of a version that records name.
    ///
    /// - Throws: `.content` if the proof does not hold.
    package mutating func add(bundle leaf: LoggedLeaf, version: Int) throws {
        try append(.bundle(version: version), leaf)
    }

    /// Adds the leaf `log.restart` of an epoch; one report has those of all.
    ///
    /// - Throws: `.content` if the proof does not hold, or the leaf is another.
    package mutating func add(restart leaf: LoggedLeaf) throws {
        guard case .logRestart(let restart) = try OrgLeaf(parsing: leaf.leaf).body else {
            throw ReportError(.content, "this leaf begins no epoch")
        }
        try append(.restart(epoch: restart.epoch), leaf)
    }

    /// Adds the leaf `admin.change` that says that records of an agent were removed.
    ///
    /// - Throws: `.content` if the proof does not hold.
    package mutating func add(removal leaf: LoggedLeaf, agent: String) throws {
        try append(.removal(agent: agent), leaf)
    }

    /// All files but `records.jsonl`; the last one is the summary, which lists and signs the others.
    ///
    /// - Throws: `.content` while an agent's records have no end; what signing throws.
    package mutating func finish() throws -> [ReportFile] {
        guard section == nil else { throw ReportError(.content, "an agent's records have no end") }
        append(.orgCheckpoint, org.bytes)
        append(.trust, TrustFile(origin: orgCheckpoint.origin, key: key.publicKey).bytes)
        var listed = [ReportPath.records.text: recordsHash.value]
        for file in files { listed[file.path] = .of(file.bytes) }
        let summary = ReportSummary(
            names: names,
            made: made,
            selection: selection,
            records: count,
            files: listed.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.compactMap { path, hash in
                ReportPath(path).map { ReportSummary.File(path: $0, hash: hash) }
            }
        )
        guard summary.files.count == files.count + 1 else {
            throw ReportError(.content, "a file was added twice")
        }
        let note = try Note.sign(summary.text, name: names.report, key: key)
        return files + [ReportFile(path: ReportSummary.path, bytes: note.bytes)]
    }

    private mutating func append(_ path: ReportPath, _ bytes: [UInt8]) {
        files.append(ReportFile(path: path.text, bytes: bytes))
    }

    private mutating func append(_ path: ReportPath, _ logged: LoggedLeaf) throws {
        guard
            MerkleProof.isIncluded(
                .leaf(logged.leaf),
                at: logged.index,
                size: orgCheckpoint.size,
                root: orgCheckpoint.root,
                proof: logged.path
            )
        else { throw ReportError(.content, "the proof of \(path.text) does not lead to the log's state") }
        append(path, TLogProof(logged, checkpoint: org.bytes).bytes)
    }
}
