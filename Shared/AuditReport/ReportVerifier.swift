internal import AuditLog
internal import Bytes
internal import StrictJSON
internal import TransparencyLog

/// Checks a report (`packaging/docs/report-format.md`) without any network.
package enum ReportVerifier {
    /// Checks everything that there is to check.
    ///
    /// - Parameters:
    ///   - source: the report.
    ///   - fingerprint: that of the coordinator's key, see `VerifyingKey.fingerprint`; nil if the user named none.
    /// - Returns: what holds and what does not; never an error, whatever the files hold.
    package static func verify(_ source: some ReportSource, signedBy fingerprint: String?) -> ReportVerdict {
        do throws(ReportFailure) {
            let frame = try ReportEnvelope(source, signedBy: fingerprint)
            let policies = try policies(frame)
            let restarts = try restarts(frame)
            let removals = try removals(frame)
            var check = RecordsCheck(frame, policies: policies)
            try source.scan(ReportPath.records.text) { piece throws(ReportFailure) in try check.take(piece) }
            try check.finish()
            return verdict(
                of: frame,
                check,
                policies: policies.count,
                restarts: restarts,
                removals: removals,
                isRooted: fingerprint != nil
            )
        } catch {
            return ReportVerdict(
                records: 0,
                proven: [],
                notProven: ["Nothing: the report is not as its coordinator made it, or its coordinator made it wrong."],
                failure: error,
                isRooted: fingerprint != nil
            )
        }
    }

    /// The policies that leaves of the report show.
    private static func policies<Source: ReportSource>(
        _ frame: ReportEnvelope<Source>
    ) throws(ReportFailure) -> Set<RecordsCheck<Source>.NamedPolicy> {
        var policies: Set<RecordsCheck<Source>.NamedPolicy> = []
        for file in frame.summary.files {
            guard case .bundle(let version) = file.path else { continue }
            guard case .policyBundle(version, let digest, _) = try frame.leaf(file.path).leaf.body else {
                throw ReportFailure(file.path, "the leaf is not that of version \(version) of the policy")
            }
            policies.insert(.init(version: version, digest: Array(digest.base64URL.utf8)))
        }
        return policies
    }

    /// The restarts of the organisation's log, oldest first.
    private static func restarts(_ frame: ReportEnvelope<some ReportSource>) throws(ReportFailure) -> [OrgLeaf
        .LogRestart]
    {
        var restarts: [OrgLeaf.LogRestart] = []
        for file in frame.summary.files {
            guard case .restart(let epoch) = file.path else { continue }
            let (leaf, index) = try frame.leaf(file.path)
            guard case .logRestart(let restart) = leaf.body, restart.epoch == epoch, restart.base.size == index else {
                throw ReportFailure(file.path, "the leaf does not begin the epoch \(epoch)")
            }
            restarts.append(restart)
        }
        return restarts.sorted { $0.epoch < $1.epoch }
    }

    private static func verdict<Source: ReportSource>(
        of frame: ReportEnvelope<Source>,
        _ check: RecordsCheck<Source>,
        policies: Int,
        restarts: [OrgLeaf.LogRestart],
        removals: [RecordRemoval],
        isRooted: Bool
    ) -> ReportVerdict {
        let selection = frame.summary.selection
        var proven = [
            "The files are those that the key \(frame.key.fingerprint) of the coordinator of \(frame.summary.names.host)"
                + " listed and signed.",
            "\(check.count) records are contained, byte for byte, in the logs of \(frame.agents.count) agents. Each log is"
                + " signed with the key that the coordinator enrolled for the agent, and countersigned by the coordinator.",
            "These states of the agents' logs are contained in the organisation's log, each after the enrolment of the"
                + " key that signed it and before any revocation of it that is shown.",
        ]
        if selection.server == nil {
            proven.append("Of each agent no record is missing between the first and the last that are shown.")
        }
        if policies > 0 {
            proven.append(
                "\(policies) versions of the policy are contained in the organisation's log, with their digests."
            )
        }
        proven += restarts.map { restart in
            "The organisation's log was restarted as \(frame.summary.names.audit(epoch: restart.epoch)) after its first"
                + " \(restart.base.size) leaves, with the reason: \(PlainLine.of(restart.why))."
        }
        var notProven = restarts.map { restart in
            "What the coordinator had signed in its log before the restart \(restart.epoch) and beyond the first"
                + " \(restart.base.size) leaves"
                + (restart.known.size > restart.base.size ? ": \(restart.known.size) leaves are known of." : ".")
        }
        if !isRooted {
            notProven.append(
                "Whose report it is: nobody said which key the coordinator has. If it is \(frame.key.fingerprint), give"
                    + " it with --key."
            )
        }
        if selection.isPartial {
            notProven.append("That the selection is complete: the coordinator chose what belongs to it.")
        }
        if !check.unknownPolicies.isEmpty {
            notProven.append(
                "That \(check.unknownPolicies.count) versions of the policy that records name were ever signed: no leaf"
                    + " is shown for them."
            )
        }
        notProven += removals.map(\.words)
        notProven += [
            "That no agent is left out, and no record before the first or after the last that are shown of one.",
            "What agents recorded after the states that are shown, up to now.",
            "What happened outside of the agents: who controls a machine can go around its agent, and a record says what"
                + " the agent saw.",
            "That an enrolled key is that of the machine: only a comparison of the fingerprint in keys/ with the"
                + " machine's own shows that.",
            "That a pseudonym belongs to the person named in keys/, that the coordinator made the report at"
                + " \(Timestamp.text(frame.summary.made)), and that the clocks were right.",
        ]
        return ReportVerdict(
            records: check.count,
            proven: proven,
            notProven: notProven,
            failure: nil,
            isRooted: isRooted
        )
    }
}
