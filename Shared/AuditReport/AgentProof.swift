internal import AuditLog
internal import StrictJSON
internal import TransparencyLog

/// What a report proves of one agent: whose key it is, and which state of its log is in the organisation's log.
struct AgentProof: Sendable {
    let agent: String
    /// The bytes of the id, as in every record.
    let agentText: [UInt8]
    /// The fingerprint of the key.
    let key: [UInt8]
    let sub: [UInt8]
    /// The state of the agent's log.
    let checkpoint: Checkpoint

    /// Reads the files of an agent and checks them against each other.
    init(_ agent: String, in frame: ReportEnvelope<some ReportSource>) throws(ReportFailure) {
        let names = frame.summary.names
        let keyPath = ReportPath.key(agent: agent)
        guard let statement = KeyStatement(parsing: try frame.read(keyPath)),
            statement.agent.utf8.elementsEqual(agent.utf8)
        else { throw ReportFailure(keyPath, "this is not the key of agent \(agent)") }
        if let user = frame.summary.selection.user, statement.user != user {
            throw ReportFailure(keyPath, "the agent is not one of the selected user")
        }
        let fingerprint = statement.publicKey.fingerprint

        let enrolPath = ReportPath.enrolment(agent: agent)
        let (enrolment, enrolled) = try frame.leaf(enrolPath)
        guard case .keyEnrol(let named) = enrolment.body, named.agent == JSONText(agent), named.key == fingerprint,
            named.sub == statement.sub
        else { throw ReportFailure(enrolPath, "the leaf is not the enrolment of the key in \(keyPath.text)") }

        let checkpointPath = ReportPath.checkpoint(agent: agent)
        guard let note = try? Note(parsing: try frame.read(checkpointPath)),
            let checkpoint = try? Checkpoint(parsing: note.text), checkpoint.origin == names.agent(agent)
        else { throw ReportFailure(checkpointPath, "this is not a state of the log of agent \(agent)") }
        guard note.isSigned(name: checkpoint.origin, key: statement.publicKey) else {
            throw ReportFailure(checkpointPath, "the agent's signature is missing or does not fit")
        }
        guard note.cosignatureTime(name: names.audit, key: frame.key) != nil else {
            throw ReportFailure(checkpointPath, "the coordinator's countersignature is missing or does not fit")
        }

        let loggedPath = ReportPath.logged(agent: agent)
        let (leaf, logged) = try frame.leaf(loggedPath)
        guard leaf.body == .agentCheckpoint(checkpoint) else {
            throw ReportFailure(loggedPath, "the leaf is not that of \(checkpointPath.text)")
        }
        guard enrolled < logged else {
            throw ReportFailure(loggedPath, "the state was logged before its key was enrolled")
        }
        try Self.checkRevocation(of: agent, key: fingerprint, after: logged, in: frame)
        self.agent = agent
        agentText = Array(agent.utf8)
        key = Array(fingerprint.utf8)
        sub = statement.sub.utf8
        self.checkpoint = checkpoint
    }

    private static func checkRevocation(
        of agent: String,
        key: String,
        after logged: UInt64,
        in frame: ReportEnvelope<some ReportSource>
    ) throws(ReportFailure) {
        let path = ReportPath.revocation(agent: agent)
        guard frame.isListed(path) else { return }
        let (leaf, revoked) = try frame.leaf(path)
        guard case .keyRevoke(let named, let revokedKey, _) = leaf.body, named == JSONText(agent), revokedKey == key
        else { throw ReportFailure(path, "the leaf is not the revocation of the agent's key") }
        guard logged < revoked else { throw ReportFailure(path, "the state was logged after its key was revoked") }
    }
}
