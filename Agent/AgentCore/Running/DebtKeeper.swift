internal import AgentState
internal import AuditLog
internal import Errors
internal import Forwarding
internal import Logging
internal import Policy
internal import ServiceKit
internal import Spool
internal import StrictJSON

/// Keeps what is owed to the limits over the end of an agent, however it ends: a kill, a restart or another enrolment
/// does not fill a bucket.
///
/// The debts are written down now and then. The calls that passed after that are found again in the records: each of
/// these is in its file before its call leaves. So no call waits while something is written for a limit.
actor DebtKeeper {
    private let forwarding: ForwardingService
    private let home: AgentHome
    private let clock: MachineClock
    private let logger: Logger

    /// What an earlier agent left.
    private let left: LimitsFile?
    /// Whether the calls after that are counted.
    private var isCounted = false
    /// What was written last.
    private var written: LimitsFile.Mark?
    private var isWritten = false

    /// The most records that are looked at for calls, and the most calls of them: those of a few minutes of a machine
    /// that does nothing else.
    private static let most: (records: UInt64, calls: Int) = (200_000, 50_000)

    init(forwarding: ForwardingService, home: AgentHome, clock: MachineClock, logger: Logger) {
        self.forwarding = forwarding
        self.home = home
        self.clock = clock
        self.logger = logger
        left = LimitsFile(home)
    }

    /// Takes over what was written down, before anybody can call.
    func restore() async {
        guard let left else { return }
        await forwarding.restore(OwedLimits(debts: left.debts, elapsed: left.elapsed(clock)))
    }

    /// The calls of earlier runs that were not yet counted when the debts were written down: to be counted with the
    /// first policy that is in force, and then `counted` is to be said.
    func calls(in spool: Spool) async -> [OwedLimits.Call] {
        guard !isCounted else { return [] }
        let name = Self.name(spool.folder)
        var first: UInt64 = 0
        if let left {
            guard let mark = left.mark, mark.spool == name else { return [] }
            first = mark.recorded
        }
        if spool.began > Self.most.records { first = max(first, spool.began - Self.most.records) }
        let calls: [BegunCall]
        do {
            calls = try await spool.begun(from: first, atMost: Self.most.calls)
        } catch {
            let words = (error as? any ExplainedError)?.message ?? "\(error)"
            logger.warning("Earlier calls cannot be counted towards the limits.", metadata: ["error": "\(words)"])
            return []
        }
        let boot = RecordWriter.bootMark(bootID: Array(MachineBoot.id.utf8), agent: JSONText(name))
        let now = clock.boot() / 1000
        return calls.map { call in
            let age = call.boot == boot ? max(0, now - call.mono) * 1000 : 0
            return OwedLimits.Call(client: call.client, server: call.server, tool: call.tool, age: age)
        }
    }

    /// What `calls` returned is counted.
    func counted() { isCounted = true }

    /// Writes the debts down, unless nothing was recorded since.
    func keep() async {
        let (debts, folder, recorded) = await forwarding.limitDebts()
        var mark = folder.map { LimitsFile.Mark(spool: Self.name($0), recorded: recorded) }
        // Until the earlier calls are counted they have to be found again.
        if !isCounted, let left, left.mark?.spool == mark?.spool || mark == nil { mark = left.mark }
        guard !isWritten || mark != written else { return }
        do {
            try LimitsFile(debts, mark: mark, clock: clock).keep(home)
            (written, isWritten) = (mark, true)
        } catch {
            logger.warning("What is owed to the limits could not be kept.")
        }
    }

    private static func name(_ folder: String) -> String { folder.split(separator: "/").last.map(String.init) ?? "" }
}
