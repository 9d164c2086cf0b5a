package import AuditLog
internal import Bytes
package import StrictJSON

extension SinkAgent {
    /// Writes both records of a call of a tool; without a tool, of a list of tools.
    package mutating func call(
        _ server: JSONText,
        tool: JSONText? = "echo",
        client: JSONText = "tests",
        _ outcome: Outcome.Kind = .ok,
        milliseconds: Int = 20,
        at wall: Int64? = nil
    ) {
        let facts = attributes(server, tool: tool, client: client)
        let decision = EncodedDecision(
            isAllowed: true,
            reason: "granted",
            rules: ["roles/dev/grant/0"],
            policy: 0,
            digest: ""
        )
        record(.callBegin(facts, decision, credential: nil), at: wall)
        let end = wall.map { $0 + Int64(milliseconds) * 1000 }
        record(.callEnd(facts, Outcome(outcome, milliseconds: milliseconds, bytesIn: 80, bytesOut: 900)), at: end)
    }

    /// Writes the record of a call of a tool that was refused.
    package mutating func refuse(
        _ server: JSONText,
        tool: JSONText = "echo",
        _ reason: JSONText,
        at wall: Int64? = nil
    ) {
        let decision = EncodedDecision(isAllowed: false, reason: reason, rules: ["forbid/0"], policy: 0, digest: "")
        record(.callDeny(attributes(server, tool: tool, client: "tests"), decision), at: wall)
    }

    private func attributes(_ server: JSONText, tool: JSONText?, client: JSONText) -> CallAttributes {
        CallAttributes(
            call: RandomID(),
            trace: RandomID(),
            client: client,
            how: .token,
            server: server,
            method: tool == nil ? "tools/list" : "tools/call",
            item: tool.map { .tool($0) } ?? .none
        )
    }
}
