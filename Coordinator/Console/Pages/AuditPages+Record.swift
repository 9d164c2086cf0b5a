internal import AuditSink
internal import Bytes
internal import Contract
internal import Rights
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// One record, and what proves it.
extension AuditPages {
    func record(
        _ visit: Visit,
        _ proven: ProvenRecord,
        _ permit: Permit<Right.ReadRecords>
    ) async throws -> PageAnswer {
        let words = RecordWords(proven.found)
        var what = Section("what", "What it says")
        what.facts = Facts(Self.facts(proven, words))
        var sections = [what]
        if let related = try await related(proven, permit) { sections.append(related) }
        sections.append(Self.proof(proven))
        var bytes = Section("bytes", "The record itself", about: "Exactly the bytes that were hashed")
        bytes.code = Code(name: "The record", text: Self.indented(proven.bytes))
        sections.append(bytes)
        return .page(
            SectionsView(
                actions: Actions(items: [
                    Action("Download the proof", "/audit/\(proven.found.agent)/\(proven.found.seq)/proof"),
                    Action("Records of this machine", "/audit?agent=\(proven.found.agent)"),
                ]),
                sections: sections
            ),
            in: visit.shell(
                .audit,
                "Record \(proven.found.seq)",
                lede: "\(words.what) on \(Moment.text(Int(proven.found.time / 1_000_000))), UTC",
                parent: PageLink(name: "Audit", href: "/audit")
            )
        )
    }

    private static func facts(_ proven: ProvenRecord, _ words: RecordWords) -> [(String, Cell)] {
        let record = proven.found.record
        var facts: [(String, Cell)] = [
            ("How it went", Cell(words.outcome, small: words.why, badge: words.tone)),
            ("Person", Cell(proven.found.user)),
            ("When", Cell(Timestamp.text(proven.found.time), small: "By the machine's clock, UTC")),
            ("Machine", Cell(proven.found.agent, href: "/agents/\(proven.found.agent)", isCode: true)),
        ]
        func add(_ name: String, _ value: JSONValue?, _ href: String? = nil) {
            guard let text = value?.text, !text.isEmpty else { return }
            facts.append((name, Cell(VisibleText.of(text), href: href, isCode: true)))
        }
        add("Client", record["client"]?["id"])
        add("Server", record["srv"], record["srv"]?.text.map { "/audit?" + FormBody.query([("server", $0)]) })
        add("Method", record["method"])
        add("Tool", record["tool"])
        add("Prompt", record["prompt"])
        add("Resource (hash)", record["uri_hash"])
        if let out = record["out"] {
            if let time = out["ms"]?.int { facts.append(("Took", Cell(Numbers.milliseconds(time)))) }
            let sizes = (out["bytes_in"]?.int ?? 0, out["bytes_out"]?.int ?? 0)
            facts.append(("Sent, and answered", Cell("\(Numbers.bytes(sizes.0)), \(Numbers.bytes(sizes.1))")))
        }
        if let decision = record["dec"] {
            let rules = (decision["rules"]?.array ?? []).compactMap { $0.text.map { VisibleText.of($0) } }
            facts.append(
                ("Decided by", Cell(rules.isEmpty ? "No rule" : rules.joined(separator: ", "), isCode: !rules.isEmpty))
            )
            if let version = decision["policy"]?.int, version > 0 {
                facts.append(("Policy", Cell("Version \(version)", href: "/policy/history/\(version)")))
            }
            if let observed = decision["observed"]?.text {
                facts.append(
                    (
                        "Would be denied",
                        Cell(VisibleText.of(observed), small: "Once the policy is enforced", badge: .warn)
                    )
                )
            }
        }
        add("Credential", record["cred"])
        add("Call", record["call"], record["call"]?.text.map { "/audit?" + FormBody.query([("call", $0)]) })
        add("Trace", record["trace"], record["trace"]?.text.map { "/audit?" + FormBody.query([("call", $0)]) })
        return facts
    }

    /// The other records of the same call: a call has one where it begins and one where it ends.
    private func related(_ proven: ProvenRecord, _ permit: Permit<Right.ReadRecords>) async throws -> Section? {
        guard let call = proven.found.record["call"]?.text else { return nil }
        let hour: Int64 = 3_600_000_000
        var filter = RecordFilter()
        filter.call = call
        filter.results = RecordFilter.Wanted.all.results
        filter.agent = proven.found.agent
        filter.from = proven.found.time - hour
        filter.to = proven.found.time + hour
        let others = try await records.find(filter, limit: 10, for: permit).records.filter {
            $0.seq != proven.found.seq
        }
        guard !others.isEmpty else { return nil }
        return Section(
            "call",
            "The same call",
            Table(
                "Other records of the same call",
                [.init("Record"), .init("When"), .init("How it went")],
                others.map { other in
                    let words = RecordWords(other)
                    return Table.Row([
                        Cell("Record \(other.seq)", href: "/audit/\(other.agent)/\(other.seq)"),
                        Cell(Timestamp.text(other.time)), Cell(words.outcome, small: words.why, badge: words.tone),
                    ])
                }
            ),
            else: EmptyState(message: "", next: "")
        )
    }

    // MARK: Proof

    private static func proof(_ proven: ProvenRecord) -> Section {
        func step(_ step: ProvenRecord.Step, _ name: String, _ what: String, code: String? = nil) -> Steps.Step {
            Steps.Step(name, what, code: code, tone: proven.holding.contains(step) ? .good : .bad)
        }
        let countersigned = proven.countersignedAt.map { Moment.text($0) } ?? "never"
        var section = Section(
            "proof",
            "What proves it",
            about: proven.holding.count == ProvenRecord.Step.allCases.count
                ? "Checked just now: all of it holds" : "Checked just now: not all of it holds"
        )
        section.steps = Steps(items: [
            step(
                .included,
                "It is in the machine's log",
                "Number \(proven.found.seq) of \(Numbers.count(proven.logSize)) records; \(Numbers.of(proven.proof.path.count, "hash leads", "hashes lead")) from it to the root.",
                code: Hash.leaf(proven.bytes).base64URL
            ),
            step(.signed, "The machine has signed that log", "With the key that it came in with.", code: proven.key),
            step(
                .countersigned,
                "The coordinator has countersigned it",
                "On \(countersigned), UTC. From then on nobody could change, leave out or reorder it, administrators included."
            ),
            step(
                .logged,
                "That is in the organisation's log",
                "Leaf \(Numbers.count(Int(proven.logged.index))) of \(Numbers.count(proven.orgSize)), after the machine came in\(proven.revokedAt == nil ? "" : " and before its key was taken away")."
            ),
            step(
                .organisation,
                "The coordinator has signed the organisation's log",
                "Every machine compares it with what it was shown before: a second history would be noticed."
            ),
        ])
        return section
    }

    /// The record member by member; the bytes that were hashed have no blanks.
    private static func indented(_ record: [UInt8]) -> String {
        JSONDiff.text(from: nil, to: record).split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.dropFirst(2) }.joined(separator: "\n")
    }
}
