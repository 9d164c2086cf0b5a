internal import AuditLog
internal import MCP
internal import Policy
internal import Spool
internal import StrictJSON

/// A request of the client whose stream has ended before its answer, and may be taken up again (`Last-Event-ID`).
struct ParkedCall {
    let facts: CallAttributes
    let spool: Spool?
    let method: MCPMethod
    let began: Int64
    let bytesIn: Int
    let server: ServedServer
    /// The slots that it holds: the server still works on it.
    var permit: LimitPermit
    /// The last event that went out, behind which its stream is taken up again.
    let lastEvent: UInt64
    /// When its stream ended, in nanoseconds.
    let since: Int64
    /// Whether it is to be answered with a task; the tool that makes it, or the id of the task that it asks for.
    let asksForTask: Bool
    let task: JSONText?
    /// What the server has to be told if the client no longer waits.
    let note: CancelNote
    /// Tells it from others of the same id.
    var ticket: UInt64 = 0
}

/// All calls that are parked, over all sessions: in the order in which they were, with a bound for all together.
///
/// Each is open in the records until it ends, and the next start of the agent has to read all that are open.
final class ParkedCalls {
    private struct Entry {
        let session: Session
        let id: RequestID
        let ticket: UInt64

        var isLive: Bool { session.parked[id]?.ticket == ticket }
    }

    private var entries: ArraySlice<Entry> = []
    private(set) var count = 0
    private var countByClient: [JSONText: Int] = [:]
    private var lastTicket: UInt64 = 0
    private let most: Int

    init(most: Int) {
        self.most = most
    }

    /// Takes a call in.
    ///
    /// - Returns: the session and the id of one that has to go for it, if there are too many: the oldest of the client that
    ///   has most.
    func add(_ call: ParkedCall, _ id: RequestID, to session: Session) -> (session: Session, id: RequestID)? {
        let gone = count >= most ? takeOldest() : nil
        if entries.count > 2 * count + 64 { entries = entries.filter(\.isLive) }
        lastTicket += 1
        var call = call
        call.ticket = lastTicket
        session.park(id, call)
        entries.append(Entry(session: session, id: id, ticket: lastTicket))
        tally(1, of: session)
        return gone.map { ($0.session, $0.id) }
    }

    /// The oldest entry of the client that has most, which is one no more.
    private func takeOldest() -> Entry? {
        let greediest = countByClient.max { $0.value < $1.value }?.key
        guard let index = entries.firstIndex(where: { $0.session.key.client == greediest && $0.isLive }) else {
            return nil
        }
        return entries.remove(at: index)
    }

    private func tally(_ calls: Int, of session: Session) {
        count += calls
        let left = countByClient[session.key.client, default: 0] + calls
        countByClient[session.key.client] = left > 0 ? left : nil
    }

    /// Takes a call out, which ends.
    func take(_ id: RequestID, from session: Session) -> ParkedCall? {
        guard let call = session.unpark(id) else { return nil }
        tally(-1, of: session)
        return call
    }

    /// Takes out all calls of a session.
    func takeAll(of session: Session) -> [ParkedCall] {
        let calls = session.unparkAll()
        tally(-calls.count, of: session)
        return calls
    }

    /// The calls whose server was silent for as long as it may be.
    ///
    /// - Parameters:
    ///   - now: the time, in nanoseconds.
    ///   - listening: sessions whose client hears the server. While the server waits for such a client's answer, the
    ///     clock of the session's calls is stopped.
    /// - Returns: where they are.
    func overdue(_ now: Int64, listening: Set<ObjectIdentifier>) -> [(session: Session, id: RequestID)] {
        entries.filter { entry in
            let session = entry.session
            guard entry.isLive, let call = session.parked[entry.id] else { return false }
            guard now - max(call.since, session.heard, session.answered) >= call.server.timeout else { return false }
            return !(session.isWaitingForClient && listening.contains(ObjectIdentifier(session)))
        }.map { ($0.session, $0.id) }
    }
}
