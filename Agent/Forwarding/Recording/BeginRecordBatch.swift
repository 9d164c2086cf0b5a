internal import Spool
internal import Upstreams

/// Calls whose beginRecords are laid out in the spool: they go out once those are in its file, all of one turn with one
/// write.
final class BeginRecordBatch: LoopTurnMember {
    private let turn: LoopTurn
    private var spool: Spool?
    private var calls: [Call] = []

    init(turn: LoopTurn) {
        self.turn = turn
    }

    /// Takes a call in, which hears by `recorded`: in this turn, possibly at once.
    func add(_ call: Call, in spool: Spool) {
        if let other = self.spool, other !== spool { write() }
        self.spool = spool
        let isFirst = calls.isEmpty
        calls.append(call)
        if turn.isSingle {
            write()
        } else if isFirst {
            turn.add(self, to: .record)
        }
    }

    func turnReached(_ step: LoopTurn.Step) {
        write()
    }

    private func write() {
        guard let spool, !calls.isEmpty else { return }
        let isWritten = (try? spool.write()) != nil
        self.spool = nil
        let begun = calls
        calls = []
        for call in begun { call.recorded(isWritten) }
    }
}
