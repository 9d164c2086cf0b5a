internal import StrictJSON

/// Checks a report (`packaging/docs/report-format.md`) without any network.
package enum ReportVerifier {
    /// Checks everything that there is to check.
    ///
    /// - Parameters:
    ///   - source: the report.
    ///   - fingerprint: that of the coordinator's key, see `VerifyingKey.fingerprint`; nil if nobody told it.
    /// - Returns: what holds and what does not; never an error, whatever the files hold.
    package static func verify(_ source: some ReportSource, signedBy fingerprint: String?) -> ReportVerdict {
        var records = 0
        do throws(ReportFailure) {
            let frame = try ReportFrame(source, signedBy: fingerprint)
            let policies = try policies(frame)
            var check = RecordsCheck(frame, policies: policies)
            defer { records = check.count }
            try source.scan(ReportPath.records.text) { piece throws(ReportFailure) in try check.take(piece) }
            try check.finish()
            return verdict(of: frame, check, policies: policies.count, isRooted: fingerprint != nil)
        } catch {
            return ReportVerdict(
                records: records,
                proven: [],
                notProven: ["Nothing: the report is not as its coordinator made it, or its coordinator made it wrong."],
                failure: error,
                isRooted: fingerprint != nil
            )
        }
    }

    /// The policies that leaves of the report show.
    private static func policies<Source: ReportSource>(
        _ frame: ReportFrame<Source>
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

    private static func verdict<Source: ReportSource>(
        of frame: ReportFrame<Source>,
        _ check: RecordsCheck<Source>,
        policies: Int,
        isRooted: Bool
    ) -> ReportVerdict {
        let selection = frame.summary.selection
        var proven = [
            "The files are those that the key \(frame.key.fingerprint) of the coordinator of \(frame.summary.names.host)"
                + " listed and signed at \(Timestamp.text(frame.summary.made)).",
            "\(check.count) records of \(frame.agents.count) agents stand, byte for byte, in logs that each agent"
                + " signed with its own key and the coordinator countersigned.",
            "These states of the agents' logs stand in the organisation's log, each after the enrolment of the key that"
                + " signed it and before any revocation of it that is shown.",
        ]
        if selection.server == nil {
            proven.append("Of each agent no record is missing between the first and the last that are shown.")
        }
        if policies > 0 {
            proven.append("\(policies) versions of the policy stand in the organisation's log, with their digests.")
        }
        var notProven: [String] = []
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
        notProven += [
            "That no agent is left out, and no record before the first or after the last that are shown of one.",
            "What agents recorded after the states that are shown, up to now.",
            "What happened outside of the agents: who controls a machine can go around its agent, and a record says what"
                + " the agent saw.",
            "That a pseudonym belongs to the person named in keys/, and that the clocks were right.",
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
