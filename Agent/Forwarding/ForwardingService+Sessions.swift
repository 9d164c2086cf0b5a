extension ForwardingService {
    /// Takes over the sessions that an earlier run has kept: the first request of its client goes on with each.
    package func restore(_ sessions: [KeptSession]) async {
        await onLoop { $0.gate.restore(sessions) }
    }

    /// What has to be kept so that the next run knows whose session is whose.
    package func keptSessions() async -> [KeptSession] {
        await onLoop { $0.gate.keptSessions() }
    }

    /// Says whom to tell whenever a session has begun or ended; on the event loop, so it must not wait.
    package func onSessions(_ changed: @escaping @Sendable () -> Void) async {
        await onLoop { $0.gate.sessionsChanged = changed }
    }

    /// Forgets the sessions of earlier runs: they belonged to another membership.
    package func forgetEarlierSessions() async {
        await onLoop { path in
            path.gate.restore([])
            path.gate.sessionsChanged()
        }
    }
}
