internal import StrictJSON

/// The pins of all servers, by alias; belongs to the event loop.
final class PinBook {
    private var pins: [JSONText: ToolPins] = [:]
    /// What an earlier run has kept of servers that are not known yet.
    private var earlier: [JSONText: KeptPins] = [:]
    /// Told when there is something to keep or to report.
    var changed: () -> Void = {}
    /// Told when clients of a server are shown other tools than before.
    var shown: (JSONText) -> Void = { _ in }

    /// The pins of a server.
    subscript(_ server: JSONText) -> ToolPins {
        if let known = pins[server] { return known }
        let new = ToolPins(
            server: server,
            kept: earlier.removeValue(forKey: server),
            changed: { [unowned self] in changed() },
            shown: { [unowned self] in shown($0) }
        )
        pins[server] = new
        return new
    }

    /// Takes over what an earlier run has kept, before the first server is known.
    func restore(_ kept: [KeptPins]) {
        earlier = Dictionary(kept.map { ($0.server, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Forgets everything: it belonged to another membership.
    func forget() {
        for server in pins.values { server.clear() }
        earlier = [:]
        changed()
    }

    /// What has to outlive the agent.
    var kept: [KeptPins] {
        (pins.values.compactMap(\.kept) + earlier.values).sorted { $0.server < $1.server }
    }

    /// What the coordinator does not know yet.
    var reports: [ToolReport] { pins.values.compactMap(\.report).sorted { $0.server < $1.server } }

    /// The coordinator is to hear once more what each server shows.
    func tellShownAgain() {
        for server in pins.values { server.tellShownAgain() }
    }

    /// The coordinator has a report.
    func reported(_ report: ToolReport) { pins[report.server]?.reported(report) }
}
