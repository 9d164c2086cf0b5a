internal import Database
internal import MCP
internal import People
internal import Policy
internal import PolicyFile
package import Rights
internal import StrictJSON

extension PolicyStore {
    /// Says what a policy makes of a call, for whomever, and why.
    ///
    /// - Parameters:
    ///   - question: the call.
    ///   - draft: a file to ask in place of the policy in force; it must be good.
    ///   - permit: who asks.
    /// - Returns: the decision with its rules, and what it lacks where no grant opens it.
    /// - Throws: `Refused`, `policy_refused`.
    package func explain(
        _ question: PolicyQuestion,
        under draft: [UInt8]? = nil,
        for permit: Permit<Right.CheckPolicy>
    ) async throws -> PolicyExplanation {
        let parsed = if let draft { try await parsed(draft) } else { nil as PolicyFile? }
        let (policy, rules, binding, hints) = try await database.read { view in
            let present = try self.current(in: view)
            let rules = try parsed.map { try self.rules(of: $0, in: view) } ?? present.rules
            let sub = try self.people.person(email: question.user, in: view)?.sub
            let known = try sub.map { try Groups.of($0, in: view) } ?? []
            let binding = Self.binding(
                sub: sub ?? Self.nobody(question.user),
                email: question.user,
                groups: question.groups ?? known,
                under: parsed ?? present.file
            )
            return (present, rules, binding, try KnownHints(for: rules, in: view))
        }
        return await bench.work {
            let snapshot = PolicySnapshot(rules: rules, binding: binding, version: 0, digest: "")
            return question.withAsk { ask, arguments in
                let decision = snapshot.explain(
                    client: question.client,
                    server: question.server,
                    ask: ask,
                    arguments: arguments,
                    hints: hints.hints(server: question.server, tool: question.tool) ?? .assumed
                )
                // What a rule forbids no grant opens.
                let isMissed = decision.reason == .noGrant || decision.reason == .observed
                return PolicyExplanation(
                    decision: decision,
                    binding: binding,
                    missed: isMissed
                        ? rules.missedGrant(
                            binding,
                            client: question.client,
                            server: question.server,
                            ask: ask,
                            arguments: arguments
                        ) : nil,
                    version: parsed == nil ? policy.version : nil
                )
            }
        }
    }
}
