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
        findings += Self.servers(status)
        return findings
    }

    /// What the agent says of itself, or its files do.
    private func askAgent() async -> (status: JSONValue?, finding: Finding) {
        do {
            let status = try await context.agent.get("status")
            return (status, Finding("agent", .ok, "It runs, and listens at http://\(status["listen"]?.text ?? "")."))
        } catch let failure as ControlFailure where failure.code == "agent_not_running" {
            let status = try? AgentStatus.last(context.home).json
            let next = "systemctl --user start doorward (or: doorward agent)"
            return (status, Finding("agent", .failed, "It does not run, so no call passes.", next: next))
        } catch {
            return (nil, Finding("agent", error))
        }
    }

    private static func enrolment(_ membership: Membership, _ status: JSONValue?) -> Finding {
        if let problem = status?["problem"], let code = problem["code"]?.text {
            let message = "\(problem["message"]?.text ?? code)"
            return Finding("enrolment", .needsUser, message, next: problem["next"]?.text)
        }
        return Finding("enrolment", .ok, "This machine is \(membership.agentID) of \(membership.user).")
    }

    private static func records(_ status: JSONValue?) -> [Finding] {
        guard let audit = status?["audit"] else { return [] }
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

    private static func servers(_ status: JSONValue?) -> [Finding] {
        (status?["servers"]?.array ?? []).map { server in
            let alias = server["alias"]?.text ?? ""
            let since = server["since"]?.text.map { " since \($0)" } ?? ""
            let why = server["error"]?.text.map { ": \($0)" } ?? ""
            func finding(_ state: Finding.State, _ words: String, next: String? = nil) -> Finding {
                Finding("server \(alias)", state, words + why, next: next)
            }
            switch server["state"]?.text {
            case "up": return finding(.ok, "It is up")
            case "needs_sign_in": return finding(.needsUser, "It needs your sign-in", next: "doorward connect \(alias)")
            case "down": return finding(.failed, "It is down\(since)", next: "doorward servers \(alias)")
            default:
                let isLocked = why.contains("doorward unlock")
                return finding(
                    isLocked ? .needsUser : .warning,
                    "It does not answer as it should\(since)",
                    next: isLocked ? "doorward unlock" : "doorward servers \(alias)"
                )
            }
        }
    }
}
