internal import AuditLog
internal import Bridging
internal import Bytes
internal import NIOCore
internal import Policy
internal import Spool
internal import Upstreams

/// What all connections of the event loop share.
final class DataPath {
    let loop: any EventLoop
    let gate: Gate
    let pool: UpstreamPool
    let table: ConnectionTable
    /// Which eras servers speak, as far as it was found out.
    let eras: EraBook
    let beginRecords: BeginRecordBatch
    let turn: LoopTurn
    let shares: ReadShares
    let budget: MemoryBudget
    let refusals: WaitingRefusals
    private(set) lazy var upkeep = Upkeep(path: self)
    private(set) lazy var changes = ListChanges(path: self)
    private(set) lazy var probes = HealthProbes(path: self)
    private(set) lazy var everyServer = EveryServer(path: self)
    /// The number of the state that is in force.
    private var stateNumber = 0
    /// Set once the agent ends: what is answered now is the last on its connection.
    var isEnding = false

    init(
        loop: any EventLoop,
        gate: Gate,
        pool: UpstreamPool,
        table: ConnectionTable,
        eras: EraBook
    ) {
        self.loop = loop
        self.gate = gate
        self.pool = pool
        self.table = table
        self.eras = eras
        turn = pool.turn
        shares = pool.shares
        beginRecords = BeginRecordBatch(turn: turn)
        budget = MemoryBudget(most: gate.configuration.mostHeld, loop: loop, table: table)
        refusals = WaitingRefusals(loop: loop, now: gate.now)
        gate.pins.shown = { [unowned self] in changes.pinsChanged(of: $0) }
        gate.keepSlots = { if !$0.isEmpty { LostCall.keep($0, until: nil, longest: 0, on: loop) } }
    }

    /// Lends the digits of an audit id, without an allocation.
    func withDigits<Result>(of id: RandomID?, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        guard let id else { return body(nil) }
        return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { room in
            var digits = ByteWriter(room)
            id.write(to: &digits)
            return body(digits.written.bindMemory(to: UInt8.self))
        }
    }

    /// Lends the value of `traceparent`.
    func withHeader<Result>(of trace: TraceContext, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: TraceContext.length, alignment: 8) { room in
            var value = ByteWriter(room)
            trace.write(to: &value)
            return body(value.written.bindMemory(to: UInt8.self))
        }
    }
}

extension DataPath {
    /// Takes everything that decides on calls anew.
    func replace(_ state: ForwardingState) {
        guard state.number >= stateNumber else { return }
        stateNumber = state.number
        let policy = gate.policy
        for session in gate.replace(state) { gate.close(session) }
        pool.retain(only: Set(gate.servers.compactMap(\.transport.endpoint)))
        for connection in table.connections { connection.reconsider() }
        probes.serversChanged()
        everyServer.replaced()
        if gate.policy !== policy { changes.policyChanged() }
    }

    /// Closes idle connections, and lets a request that runs be the last on its connection.
    func beginEnding() {
        isEnding = true
        for connection in table.connections where !connection.isBusy || connection.holdsStream {
            connection.abort()
        }
    }

    /// Whether a client waits for an answer.
    var hasCalls: Bool { table.connections.contains { $0.isBusy } }

    /// Whether a client waits for the answer to a call that is recorded there.
    func hasCalls(in spool: Spool) -> Bool {
        table.connections.contains { connection in
            guard let call = connection.call else { return false }
            return call.spool === spool && call.isUnanswered
        }
    }

    /// Ends what is recorded there and has not ended: after that nothing more of it can be recorded.
    func endCalls(in spool: Spool) {
        refusals.settle()
        for connection in table.connections where connection.call?.spool === spool {
            connection.call?.stop(isLeaving: true)
        }
        for session in gate.sessions.all { gate.close(session, .unknown) }
    }

    /// Closes everything.
    func end() {
        refusals.flush()
        upkeep.end()
        probes.end()
        changes.end()
        everyServer.end()
        for connection in table.connections {
            connection.call?.stop()
            connection.abort()
        }
        // The agent cannot know what the server makes of a call whose stream would have been taken up again.
        for session in gate.sessions.all { gate.close(session, .unknown) }
        for server in gate.servers { server.bridge.end() }
        pool.shutdown()
    }
}
