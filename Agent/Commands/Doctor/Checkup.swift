internal import AgentCore
internal import AgentState
internal import CoordinatorLink
internal import LocalControl
internal import ServiceKit
internal import StrictJSON

/// All checks of `doorward doctor`, in the order in which one explains the next.
struct Checkup {
    let context: CommandContext

    init(_ context: CommandContext) {
        self.context = context
    }

    func findings() async -> [Finding] {
        var findings = MachineChecks(home: context.home).findings()
        let (status, agent) = await askAgent()
        findings.append(agent)
        let membership: Membership
        do {
            membership = try context.membership()
        } catch {
            return findings + [Finding("enrolment", error)]
        }
        findings.append(Self.enrolment(membership, status))
        let link = LinkChecks(context: context, membership: membership)
        findings += await link.findings()
        findings.append(link.policy())
        findings += Self.records(status)
        let hasPrograms = status?["servers"]?.array?.contains { $0["digest"] != nil } ?? false
        findings.append(await SandboxFinding.look(isNeeded: hasPrograms))
        let entries = PolicySync.lastState(membership, home: context.home).entries
        return await findings + ServerChecks(fetcher: context.fetcher, entries: entries).findings(status)
    }

    /// What the agent says of itself, or its files do.
    private func askAgent() async -> (status: JSONValue?, finding: Finding) {
        do {
            let status = try await context.agent.get("status", timeout: .seconds(5))
            return (status, Finding("agent", .ok, "It runs, and listens at http://\(status["listen"]?.text ?? "")."))
        } catch let failure as ControlFailure where failure.code == "agent_not_running" {
            let next = "systemctl --user start doorward (or: doorward agent)"
            return (last, Finding("agent", .failed, "It does not run, so no call passes.", next: next))
        } catch let failure as ControlFailure where failure.code == "agent_answer" {
            let next = "systemctl --user restart doorward"
            return (last, Finding("agent", .failed, "It runs and does not answer: \(failure.message)", next: next))
        } catch {
            return (last, Finding("agent", error))
        }
    }

    /// What the files say that an agent has left.
    private var last: JSONValue? { try? AgentStatus.last(context.home).json }

    private static func enrolment(_ membership: Membership, _ status: JSONValue?) -> Finding {
        if let problem = status?["problem"], let code = problem["code"]?.text {
            let failure = CommandFailure(
                code,
                problem["message"]?.text ?? code,
                next: problem["next"]?.text,
                status: .needsUser
            )
            return Finding("enrolment", failure, otherwise: "doorward status")
        }
        return Finding("enrolment", .ok, "This machine is \(membership.agentID) of \(membership.user).")
    }

    private static func records(_ status: JSONValue?) -> [Finding] {
        guard let audit = status?["audit"] else {
            return [Finding("records", .skipped, "Only an agent that answers knows how many wait.")]
        }
        if let problem = audit["problem"]?.text {
            return [Finding("records", .failed, problem, next: "doorward status")]
        }
        let pending = (audit["recorded"]?.int ?? 0) - (audit["countersigned"]?.int ?? 0)
        guard pending > 1000 else {
            return [
                Finding(
                    "records",
                    .ok,
                    pending == 0 ? "All are countersigned." : "\(pending) wait to be countersigned."
                )
            ]
        }
        return [
            Finding(
                "records",
                .warning,
                "\(pending) wait to be countersigned: the coordinator takes them too slowly, or not at all.",
                next: "doorward status"
            )
        ]
    }
}
