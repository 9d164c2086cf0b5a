internal import AuditLog
internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit

/// Looks now and then for what has grown old: parked calls whose time is over, sessions that no client uses.
final class Upkeep {
    private let path: DataPath
    private var timer: Scheduled<Void>?
    private var next = Int64.max

    private static let second: Int64 = 1_000_000_000

    init(path: DataPath) {
        self.path = path
    }

    /// There is something that grows old.
    func wake() {
        let due = path.gate.now() + (isHolding ? Self.second : 60 * Self.second)
        guard due < next else { return }
        next = due
        timer?.cancel()
        timer = path.loop.assumeIsolated().scheduleTask(in: .nanoseconds(due - path.gate.now())) { self.look() }
    }

    func end() {
        timer?.cancel()
        timer = nil
        next = .min
    }

    /// Whether something is kept that is soon over.
    private var isHolding: Bool { path.gate.parked.count > 0 || path.gate.tasks.holding > 0 }

    private func look() {
        next = .max
        let gate = path.gate
        let now = gate.now()
        var listening: Set<ObjectIdentifier> = []
        for connection in path.table.connections {
            if let stream = connection.gathering as? MergedStream { stream.session?.lastUsed = now }
            guard let call = connection.call, let session = call.session else { continue }
            session.lastUsed = now
            if call.machine.kind == .stream { listening.insert(ObjectIdentifier(session)) }
        }
        for (session, id) in gate.parked.overdue(now, listening: listening) { path.timeOut(id, in: session) }
        gate.tasks.releaseOverdue(now)
        for session in gate.sessions.endAll(unusedSince: now - gate.configuration.sessionRest.nanoseconds) {
            gate.close(session)
        }
        if isHolding || gate.sessions.count > 0 { wake() }
    }
}

extension DataPath {
    /// Ends a parked call that no client took up again, or whose answer did not come.
    func timeOut(_ id: RequestID, in session: Session) {
        guard let call = gate.endParked(id, in: session, .timeout) else { return }
        call.note.send("timeout", on: self)
        let streams = table.connections.lazy.compactMap(\.call)
        let listener = streams.first { $0.session === session && $0.machine.kind == .stream }
        listener?.tell(call, .timeout(after: call.server.timeout, server: call.server.alias))
    }

    /// Gives back the slots of a request that its client took back, some seconds after the server was told.
    func releaseLater(_ id: RequestID, of note: Call) {
        let call = table.connections.lazy.compactMap(\.call).first { call in
            guard call.id != nil, !call.permit.isEmpty else { return false }
            return call.session === note.session && call.server === note.server && call.client == note.client
                && call.requestID == id
        }
        let session = note.session
        guard call != nil || session?.parked[id] != nil else { return }
        let ticket = session?.parked[id]?.ticket
        loop.assumeIsolated().scheduleTask(in: LostCall.grace) {
            call?.permit.release()
            guard let session, let ticket, session.parked[id]?.ticket == ticket else { return }
            session.releaseSlots(id)
            _ = self.gate.endParked(id, in: session, .cancelled)
        }
    }
}
