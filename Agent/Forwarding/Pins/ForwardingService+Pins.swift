extension ForwardingService {
    /// Takes over the pins that an earlier run has kept, before the first server is known.
    package func restore(_ pins: [KeptPins]) async {
        await onLoop { $0.gate.pins.restore(pins) }
    }

    /// What has to be kept so that the next run knows what the servers showed first, and what is held back.
    package func keptPins() async -> [KeptPins] {
        await onLoop { $0.gate.pins.kept }
    }

    /// Says whom to tell when there is something to keep or to report; on the event loop, so it must not wait.
    package func onPins(_ changed: @escaping @Sendable () -> Void) async {
        await onLoop { $0.gate.pins.changed = changed }
    }

    /// What the coordinator does not know yet of the tools of servers.
    package func toolReports() async -> [ToolReport] {
        await onLoop { $0.gate.pins.reports }
    }

    /// The coordinator has a report.
    package func reported(_ report: ToolReport) async {
        await onLoop { $0.gate.pins.reported(report) }
    }

    /// Has the coordinator told once more what each server shows, with its next list.
    package func tellShownAgain() async {
        await onLoop { $0.gate.pins.tellShownAgain() }
    }

    /// Forgets what was seen of tools: it belonged to another membership.
    package func forgetPins() async {
        await onLoop { $0.gate.pins.forget() }
    }
}
