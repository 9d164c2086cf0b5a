internal import AuditLog
package import MCP
package import Policy
package import StrictJSON

/// How it stands with a call that nobody makes: all that decides on it beside the policy.
package struct CallStanding: Sendable {
    /// What the policy may believe of the tool.
    package let hints: ToolHints
    /// Why the tool is held back, as a sentence, and the next command; nil where it is not.
    package let quarantine: (why: String, command: String?)?
    /// What of the call's obligations is not met.
    package let unmet: [UnmetObligation]
}

extension ForwardingService {
    /// How it stands with a call of a tool.
    package func standing(
        of tool: JSONText,
        at server: JSONText,
        meeting obligations: (ToolHints) -> Obligations
    ) async -> CallStanding {
        let pins = await onLoop { path -> (ToolHints, Refusal?) in
            guard let served = path.gate.servers.first(where: { $0.alias == server }) else { return (.assumed, nil) }
            return tool.utf8.withUnsafeBufferPointer { name in
                let held = served.pins.mayCall(name) ? nil : Refusal.quarantined(tool, server: server, served.pins)
                return (served.pins.hints(of: name), held)
            }
        }
        let wanted = obligations(pins.0)
        let unmet = await onLoop { path in
            let gate = path.gate
            return UnmetObligation.all(wanted, signedIn: gate.policy.signedIn, gate.machine, now: gate.now())
        }
        let held = pins.1.map { refusal in
            (refusal.about(server, .tool(tool)).words(), refusal.command)
        }
        return CallStanding(hints: pins.0, quarantine: held, unmet: unmet)
    }
}
