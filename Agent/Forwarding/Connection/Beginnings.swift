internal import Spool
internal import Upstreams

/// Calls whose beginnings are laid out in the spool: they go out once those stand in its file, all of one turn with one
/// write.
final class Beginnings: LoopTurnMember {
    private let turn: LoopTurn
    private var spool: Spool?
    private var calls: [(connection: ClientConnection, number: Int)] = []

    init(turn: LoopTurn) {
        self.turn = turn
    }

    /// Takes the call of a connection in, which hears by `recorded`: in this turn, possibly at once.
    func add(_ connection: ClientConnection, in spool: Spool) {
        if let other = self.spool, other !== spool { write() }
        self.spool = spool
        let isFirst = calls.isEmpty
        calls.append((connection, connection.number))
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
        for (connection, number) in begun { connection.recorded(isWritten, for: number) }
    }
}
