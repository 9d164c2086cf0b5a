internal import AuditLog
internal import AuditSink
internal import Contract
internal import Policy
internal import PolicyFile
internal import StrictJSON
internal import Synchronization

/// A policy that is tried on the calls on record, call by call.
///
/// A person has the roles that the policy gives to that person now, with the groups that are known now: which groups somebody
/// was in when a call was made is not recorded.
package final class Simulation: Sendable {
    /// The persons and servers that records are about.
    struct World: Sendable {
        /// Each person by the pseudonym in the records.
        let bindings: [String: Binding]
        /// The aliases of servers by the hash that stands in records of calls to what is no server for the caller.
        let aliases: [JSONText: JSONText]
        let hints: KnownHints
    }

    private struct State {
        var rules: RulesInHindsight
        var report: SimulationReport
        var changes = SimulationLines()
        var unknowns = SimulationLines()
        /// The person whose calls are being judged: their calls come one after the other.
        var person: (sub: String, judge: PersonInHindsight)?
        var memo: [RecordedCall: Judgement] = [:]
    }

    private struct Judgement {
        let was: SimulationReport.Verdict
        let would: SimulationReport.Verdict
        let line: SimulationReport.Line?
    }

    /// So many different calls of one person are remembered; agents repeat themselves.
    private static let mostRemembered = 10_000

    private let reading: RecordedCalls.Reading
    private let world: World
    private let state: Mutex<State>

    init(_ rules: PolicyRules, on choice: ReplayChoice, _ reading: RecordedCalls.Reading, _ world: World) {
        self.reading = reading
        self.world = world
        state = Mutex(State(rules: RulesInHindsight(rules), report: SimulationReport(choice: choice)))
    }

    /// How many calls have been judged so far.
    package var judged: Int { state.withLock { $0.report.calls } }

    /// Judges all calls; to be asked for once.
    ///
    /// - Returns: what would become of them.
    /// - Throws: `Refused`, `replay_too_long`; `CancellationError` once the task is cancelled.
    package func run() async throws -> SimulationReport {
        try await reading.each { sub, call in self.judge(call, of: sub) }
        return report
    }

    /// Judges one call more.
    private func judge(_ call: RecordedCall, of sub: String) {
        state.withLock { state in
            if state.person?.sub != sub {
                let binding = world.bindings[sub] ?? Binding(sub: JSONText(sub), user: sub, groups: [], roles: [])
                state.person = (sub, PersonInHindsight(binding, world.hints))
                state.memo.removeAll(keepingCapacity: true)
            }
            let judgement = Self.remembered(call, of: sub, world, &state)
            state.report.calls += 1
            switch judgement.would {
            case .allow: state.report.wouldAllow += 1
            case .deny: state.report.wouldDeny += 1
            case .unknown: state.report.unknown += 1
            }
            guard let line = judgement.line else { return }
            if judgement.would == .unknown { state.unknowns.count(line) } else { state.changes.count(line) }
        }
    }

    /// The report, once all calls are judged.
    private var report: SimulationReport {
        state.withLock { state in
            var report = state.report
            report.changes = state.changes.sorted
            report.changesLeftOut = state.changes.leftOut
            report.unknowns = state.unknowns.sorted
            report.unknownsLeftOut = state.unknowns.leftOut
            return report
        }
    }

    private static func remembered(
        _ call: RecordedCall,
        of sub: String,
        _ world: World,
        _ state: inout State
    ) -> Judgement {
        if let judgement = state.memo[call] { return judgement }
        let judgement = judgement(call, of: sub, world, &state)
        if state.memo.count < mostRemembered { state.memo[call] = judgement }
        return judgement
    }

    private static func judgement(
        _ call: RecordedCall,
        of sub: String,
        _ world: World,
        _ state: inout State
    ) -> Judgement {
        var call = call
        if let alias = world.aliases[call.server] { call = call.at(alias) }
        let was: SimulationReport.Verdict = call.isAllowed ? .allow : .deny
        let verdict = verdict(call, &state)
        let would: SimulationReport.Verdict
        var why: String?
        switch verdict {
        case .allow: would = .allow
        case .deny: would = .deny
        case .unknown(let reason):
            would = .unknown
            why = reason.rawValue
        }
        guard was != would else { return Judgement(was: was, would: would, line: nil) }
        let line = SimulationReport.Line(
            user: world.bindings[sub]?.user ?? sub,
            server: call.server,
            tool: call.tool,
            prompt: call.prompt,
            resource: call.resource,
            method: call.method,
            was: was,
            would: would,
            why: why
        )
        return Judgement(was: was, would: would, line: line)
    }

    /// What would become of a call, all else as it was.
    private static func verdict(_ call: RecordedCall, _ state: inout State) -> PersonInHindsight.Verdict {
        // Refused for something that no rule is about, and so it would be again.
        guard call.isAllowed || call.isRefusedByRules || call.isRefusedByLimit else { return .deny }
        guard !RecordedCall.isHash(call.server) else { return .unknown(.server) }
        let verdict = state.person?.judge.verdict(of: call, by: &state.rules) ?? .unknown(.server)
        return call.isRefusedByLimit && verdict != .deny ? .unknown(.limit) : verdict
    }
}

extension RecordedCall {
    /// Whether the policy has refused it by its rules, or as a call to a server on which the person has no grant.
    fileprivate var isRefusedByRules: Bool { Self.reasonsOfRules.contains(reason) }

    fileprivate var isRefusedByLimit: Bool { reason == "limited" }

    private static let reasonsOfRules: Set<JSONText> = [
        JSONText(Decision.Reason.noGrant.rawValue), JSONText(Decision.Reason.forbidden.rawValue), "unknown_server",
        // What a rule has demanded, and the machine did not meet.
        "key_protection", "online_within", "recent_login",
    ]

    var tool: JSONText? { if case .tool(let name) = item { name } else { nil } }
    var prompt: JSONText? { if case .prompt(let name) = item { name } else { nil } }
    var resource: JSONText? { if case .resource(let hash) = item { hash } else { nil } }
}
