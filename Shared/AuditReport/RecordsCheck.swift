internal import AuditLog
internal import Errors
internal import StrictJSON
internal import TransparencyLog

/// Goes over `records.jsonl`, piece by piece, and proves each agent's records when its last one has been read.
struct RecordsCheck<Source: ReportSource> {
    private let frame: ReportEnvelope<Source>
    /// The number of lines so far.
    private(set) var count = 0
    /// The policies that records name, as far as no leaf shows them.
    private(set) var unknownPolicies: Set<NamedPolicy> = []

    /// A version of the policy with the digest of its rules, in base64url.
    struct NamedPolicy: Hashable {
        let version: Int
        let digest: [UInt8]
    }

    private let policies: Set<NamedPolicy>
    private var lastPolicy: NamedPolicy?
    private var reader = RecordReader()
    private var hash = RunningHash()
    /// The beginning of a line whose end is in the next piece.
    private var partial: [UInt8] = []

    private var nextAgent = 0
    private var proof: AgentProof?
    /// The agent's records so far.
    private var shown = ShownLeaves()
    /// The line and the time of the record that was taken last.
    private var last: (line: Int, time: Int64) = (0, 0)
    /// A proof that fails, before it is known whether the file is the one that is listed.
    private var doubt: ReportFailure?

    /// A check of the records of a report; `policies` are those that leaves show.
    init(_ frame: ReportEnvelope<Source>, policies: Set<NamedPolicy>) {
        self.frame = frame
        self.policies = policies
    }

    /// Takes the next piece of the file.
    mutating func take(_ piece: UnsafeBufferPointer<UInt8>) throws(ReportFailure) {
        hash.update(piece)
        guard doubt == nil else { return }
        do throws(ReportFailure) {
            var start = 0
            while let end = RecordLines.end(in: piece, from: start) {
                if partial.isEmpty {
                    try line(UnsafeBufferPointer(rebasing: piece[start..<end]))
                } else {
                    partial += piece[start..<end]
                    let whole = partial
                    partial.removeAll(keepingCapacity: true)
                    try whole.withUnsafeBufferPointer { bytes throws(ReportFailure) in try line(bytes) }
                }
                start = end + 1
            }
            partial += piece[start...]
            guard partial.count <= RecordWriter.maxBytes else { throw failure("the line is too long") }
        } catch {
            // A line says itself what is wrong with it; a proof could fail because another line was changed.
            guard error.place != proofPlace else {
                doubt = error
                return
            }
            throw error
        }
    }

    /// Ends the file.
    mutating func finish() throws(ReportFailure) {
        if doubt == nil {
            guard partial.isEmpty else {
                count += 1
                throw failure("the last line has no end")
            }
            do throws(ReportFailure) {
                try endAgent()
            } catch {
                doubt = error
            }
        }
        guard hash.value == frame.hash(of: .records) else {
            throw ReportFailure(.records, ReportEnvelope<Source>.changed)
        }
        if let doubt { throw doubt }
        if nextAgent < frame.agents.count {
            throw ReportFailure(.checkpoint(agent: frame.agents[nextAgent]), "there is no record of this agent")
        }
        guard count == frame.summary.records else {
            throw ReportFailure(ReportSummary.path, "it counts other records than the \(count) that there are")
        }
    }

    private func failure(_ why: String, line: Int? = nil) -> ReportFailure {
        ReportFailure("\(ReportPath.records.text):\(line ?? count)", why)
    }

    private var proofPlace: String? { proof.map { ReportPath.cover(agent: $0.agent).text } }
}

// MARK: - One record

extension RecordsCheck {
    private mutating func line(_ bytes: UnsafeBufferPointer<UInt8>) throws(ReportFailure) {
        count += 1
        let facts: RecordHeader
        do throws(LogError) {
            facts = try reader.read(bytes)
        } catch {
            throw failure(error.message)
        }
        func isText(_ span: JSONSpan, _ text: [UInt8]) -> Bool {
            span.count == text.count && text.indices.allSatisfy { bytes[span.lower + $0] == text[$0] }
        }

        if let proof, isText(facts.agent, proof.agentText) {
            let before = shown.last ?? 0
            guard before < facts.seq else { throw failure("the number does not rise") }
            guard frame.summary.selection.server != nil || facts.seq == before + 1 else {
                throw failure("records are missing between number \(before) and number \(facts.seq)")
            }
        } else {
            guard nextAgent < frame.agents.count, isText(facts.agent, Array(frame.agents[nextAgent].utf8)) else {
                throw failure("the record is of an agent that is not next")
            }
            try endAgent()
            proof = try AgentProof(frame.agents[nextAgent], in: frame)
            nextAgent += 1
            guard frame.summary.selection.contains(facts.time) else {
                throw failure("the agent's first record is not within the time of the report")
            }
        }
        guard let proof, isText(facts.key, proof.key), isText(facts.sub, proof.sub) else {
            throw failure("the key or the person is not that of the agent")
        }
        guard facts.seq < proof.checkpoint.size else { throw failure("the number is not in the agent's log") }
        if let server = frame.summary.selection.server {
            guard let named = facts.server, named.withText(in: bytes, { server.utf8.elementsEqual($0) }) else {
                throw failure("the record is not about the selected server")
            }
        }
        if let policy = facts.policy { note(policy, in: bytes) }
        shown.append(facts.seq, hash: .leaf(bytes))
        last = (count, facts.time)
    }

    private mutating func note(_ policy: (version: Int, digest: JSONSpan), in bytes: UnsafeBufferPointer<UInt8>) {
        let digest = bytes[policy.digest.range]
        if policy.version == 0, digest.isEmpty { return }
        // Nearly always the one before.
        if let lastPolicy, lastPolicy.version == policy.version, lastPolicy.digest.elementsEqual(digest) { return }
        let named = NamedPolicy(version: policy.version, digest: Array(digest))
        lastPolicy = named
        if !policies.contains(named) { unknownPolicies.insert(named) }
    }

    /// Proves the records of the agent that was read last, if there was one.
    private mutating func endAgent() throws(ReportFailure) {
        guard let proof else { return }
        guard frame.summary.selection.contains(last.time) else {
            throw failure("the agent's last record is not within the time of the report", line: last.line)
        }
        let nodes = try frame.cover(agent: proof.agent, proving: shown.count)
        let cover = MerkleCover(size: proof.checkpoint.size, shown: shown, nodes: nodes)
        guard cover.root == proof.checkpoint.root else {
            throw ReportFailure(
                .cover(agent: proof.agent),
                "the records and these hashes do not make the state of the agent's log"
            )
        }
        self.proof = nil
        shown.removeAll()
    }
}
